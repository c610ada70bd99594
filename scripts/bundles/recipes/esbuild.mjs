import { build } from 'esbuild'

await build({
  entryPoints: ['main.mjs'],
  outfile: 'out/main.mjs',
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  mainFields: ['module', 'main'], // the AWS SDK as ES modules: they need no `require`
})
