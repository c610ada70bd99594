import { defineConfig } from 'rolldown'

export default defineConfig({
  input: 'main.mjs',
  platform: 'node',
  output: { dir: 'out', format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' },
})
