import { configDefaults, defineConfig } from 'vitest/config'
import config from './vitest.config.ts'

/** Damage to every record of an audit trail, where `npm test` takes samples. */
const include = [
  'packages/audit/src/file/failing-disk.test.ts',
  'packages/audit/src/verify/{tampering,overwritten,damaged-segments}.test.ts',
]

export default defineConfig({
  ...config,
  test: { ...config.test, include, exclude: configDefaults.exclude, env: { THOROUGH: '1' }, testTimeout: 300_000 },
})
