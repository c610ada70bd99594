import { join } from 'node:path'

export default {
  mode: 'production',
  target: 'node22',
  entry: './main.mjs',
  experiments: { outputModule: true },
  output: { path: join(import.meta.dirname, 'out'), filename: 'main.mjs', library: { type: 'module' } },
}
