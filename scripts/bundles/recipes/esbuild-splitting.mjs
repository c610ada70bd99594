import { build } from 'esbuild'

await build({
  entryPoints: ['main.mjs'],
  outdir: 'out',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true, // what is imported on use stays in files of its own
  platform: 'node',
  target: 'node22',
  format: 'esm',
  mainFields: ['module', 'main'],
})
