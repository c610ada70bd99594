import { defineConfig } from 'vite'

export default defineConfig({
  build: { ssr: 'main.mjs', outDir: 'out', target: 'node22' },
  ssr: { noExternal: true }, // all packages into the bundle: beside it is no node_modules
})
