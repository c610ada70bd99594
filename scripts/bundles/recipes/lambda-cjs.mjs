import { build } from 'esbuild'

await build({
  entryPoints: ['handler.mjs'],
  outfile: 'out/handler.cjs',
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
})
