import { build } from 'esbuild'

await build({
  entryPoints: ['main.mjs'],
  outfile: 'out/main.mjs',
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
})
