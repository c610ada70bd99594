import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import config, { long } from './vitest.config.ts'

/**
 * Those of 25 seconds and more. They start first: one that starts last would run by itself at the
 * end. Those that wait for servers alternate with those that compute.
 */
const longest = [
  'packages/cache-keyv/src/postgres/connections.test.ts',
  'tests/resilience/src/kill/trail-rotation-kill.test.ts',
  'packages/cache-keyv/src/nats/connections.test.ts',
  'packages/audit/src/verify/damaged-segments.test.ts',
  'packages/provider-vault/src/leases-live.test.ts',
  'packages/cache-keyv/src/cost-model.test.ts',
  'packages/cache-keyv/src/cluster.test.ts',
  'packages/cache-keyv/src/redis-engine.test.ts',
  'packages/audit/src/verify/other-folders.test.ts',
  'packages/cache-keyv/src/valkey-engine.test.ts',
  'packages/provider-vault/src/kv/staging.test.ts',
  'packages/rotation/src/targets/redis/redis-acl-user.test.ts',
  'packages/cli/src/terminal.test.ts',
  'packages/audit/src/verify/tampering.test.ts',
  'scripts/release/publish.test.ts',
  'packages/cli/src/program.test.ts',
  'packages/cli/src/canary.test.ts',
  'packages/cli/src/rotate-servers.test.ts',
]

/** Long tests, and damage to every record of an audit trail, where `npm test` takes samples. */
const include = [
  ...long,
  'packages/audit/src/file/failing-disk.test.ts',
  'packages/audit/src/verify/{tampering,overwritten,damaged-segments}.test.ts',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => [...longest, ''].findIndex((path) => moduleId.endsWith(path))
    return files.toSorted((one, other) => rank(one) - rank(other))
  }
}

export default defineConfig({
  ...config,
  test: {
    ...config.test,
    include,
    exclude: configDefaults.exclude,
    env: { THOROUGH: '1' },
    testTimeout: 300_000,
    sequence: { sequencer: LongestFirst },
  },
})
