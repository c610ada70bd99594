import { build } from 'esbuild'

await build({
  entryPoints: ['main-without-await.mjs'], // CommonJS has no top-level await
  outfile: 'out/main.cjs',
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
})
