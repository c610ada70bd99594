import { build } from 'esbuild'

await build({
  entryPoints: ['handler.mjs'],
  outfile: 'out/handler.mjs', // `.mjs`: no package.json is needed beside it
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  mainFields: ['module', 'main'],
})
