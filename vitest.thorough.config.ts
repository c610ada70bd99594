import { configDefaults, defineConfig } from 'vitest/config'
import config, { long } from './vitest.config.ts'

/** Long tests, and damage to every record of an audit trail, where `npm test` takes samples. */
const include = [
  ...long,
  'packages/audit/src/file/failing-disk.test.ts',
  'packages/audit/src/verify/{tampering,overwritten,damaged-segments}.test.ts',
]

export default defineConfig({
  ...config,
  test: { ...config.test, include, exclude: configDefaults.exclude, env: { THOROUGH: '1' }, testTimeout: 300_000 },
})
