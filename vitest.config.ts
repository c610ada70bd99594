import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'

// Packages read each other's sources: no build before the tests.
const conditions = ['@finchat/source', 'node']

/** Tests that load the machine on purpose, measure it, promise a time or take long. `npm run test:machine` runs them, one file at a time. */
export const alone = [
  'tests/resilience/src/fleet/cache-server-outage.test.ts',
  'tests/resilience/src/fleet/simultaneous-start.test.ts',
  'tests/resilience/src/concurrency/trail-crowd.test.ts',
  'tests/resilience/src/kill/store-kill.test.ts',
  'tests/resilience/src/kill/trail-kill.test.ts',
  'tests/resilience/src/kill/trail-rotation-kill.test.ts',
  'tests/resilience/src/power-loss/trail-power-loss.test.ts',
  'tests/resilience/src/rotation/rotation-under-load.test.ts',
  'tests/resilience/src/rotation/rotator-kill.test.ts',
  'tests/resilience/src/rotation/rotator-stop.test.ts',
  'tests/resilience/src/rotation/rotators-at-once.test.ts',
  'packages/cli/src/operations/migrate-kill.test.ts',
  'packages/cache-keyv/src/exits.test.ts',
  'packages/cli/src/store-terminal.test.ts',
  'packages/provider-local/src/backup-kill.test.ts',
  'packages/cli/src/running.test.ts',
  'packages/cli/src/deployment.test.ts',
  'packages/cli/src/sealed-hostile.test.ts',
  'packages/cli/src/register.test.ts',
  'packages/cli/src/doctor-stores.test.ts',
  'packages/audit/src/key-memory.test.ts',
  'packages/provider-local/src/key-memory.test.ts',
  'tests/manager/src/memory.test.ts',
  'packages/provider-vault/src/cluster-logins.test.ts',
  'packages/provider-vault/src/leases-live.test.ts',
  'packages/provider-vault/src/kv/told-effects.test.ts',
  'packages/rotation/src/aws/aws-rotation-model.test.ts',
  'packages/cli/src/rotate-servers.test.ts',
  'benchmarks/src/fleet/returns.test.ts',
  'tests/examples/src/fallback-chain/manager.test.ts',
]

/** Tests that take over ten seconds each, so that `npm test` ends in ten minutes. `npm run test:machine` runs these too, several at once. */
export const long = [
  'packages/cache-keyv/src/cost-model.test.ts',
  'packages/cache-keyv/src/nats/connections.test.ts',
  'packages/cache-keyv/src/nats/deployments.test.ts',
  'packages/cache-keyv/src/postgres/connections.test.ts',
  'packages/cache-keyv/src/redis-engines.test.ts',
  'packages/cache-keyv/src/usage-model.test.ts',
  'packages/cli/src/canary.test.ts',
  'packages/cli/src/system-calls.test.ts',
  'packages/cli/src/terminal.test.ts',
  'packages/provider-aws/src/client/deadlines.test.ts',
  'packages/provider-aws/src/write/repeats.test.ts',
  'packages/provider-local/src/retired-passphrase.test.ts',
  'packages/provider-local/src/store/secure-erase.test.ts',
  'packages/rotation/src/aws/documented-sequence.test.ts',
  'packages/rotation/src/targets/redis/redis-acl-user.test.ts',
  'packages/testkit/src/suites/test-secret-provider.test.ts',
  'tests/examples/src/fallback-chain/main.test.ts',
  'tests/examples/src/monitoring/main.test.ts',
  'tests/manager/src/grace-model.test.ts',
  'tests/manager/src/recovery.test.ts',
  'tests/otel/src/metrics.test.ts',
  'tests/resilience/src/fleet/fleet-rotation.test.ts',
  'tests/resilience/src/usage/safe-to-retire.test.ts',
  'tests/servers/src/raft-cluster.test.ts',
]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{packages,tests,examples}/*/src/**/*.test.ts', 'benchmarks/src/**/*.test.ts', 'scripts/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...alone, ...long],
    // Beside what tests share, which is not published.
    resolveSnapshotPath: (path, extension) => path.replace(/([^/]+)$/, `testing/snapshots/$1${extension}`),
    reporters: ['default', './tests/servers/src/not-run-reporter.ts'],
    // Many tests wait, for a disk, a lock or another process.
    maxWorkers: 2 * availableParallelism(),
    // A loaded machine takes its time: for property tests, to start a server, and until what is waited for is there.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
  },
})
