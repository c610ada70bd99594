import { build } from 'esbuild'

await build({
  entryPoints: ['main.mjs'],
  outfile: 'out/main.mjs',
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  banner: { js: "import { createRequire as newRequire } from 'node:module'; const require = newRequire(import.meta.url)" },
})
