import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'

// Packages read each other's sources: no build before the tests.
const conditions = ['@finchat/source', 'node']

/** Tests that load the machine on purpose, measure it, or promise a time: `pnpm unit:alone` runs them, one file at a time. */
export const alone = [
  'packages/provider-vault/src/cluster-logins.test.ts',
  'torture/src/fleet/outage-drill.test.ts',
  'torture/src/fleet/start-drill.test.ts',
  'torture/src/trail/trail-crowd-drill.test.ts',
]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{packages,tools}/*/src/**/*.test.ts', '{examples/*,benchmarks,torture}/src/**/*.test.ts', 'scripts/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...alone],
    reporters: ['default', './tools/servers/src/not-run-reporter.ts'],
    // Many tests wait, for a disk, a lock or another process.
    maxWorkers: 2 * availableParallelism(),
    // A loaded machine takes its time: for property tests, to start a server, and until what is waited for is there.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
  },
})
