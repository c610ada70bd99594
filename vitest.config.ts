import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

// Packages read each other's sources: no build before the tests.
const conditions = ['@finchat/source', 'node']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{packages,tools}/*/src/**/*.test.ts', '{examples/*,benchmarks,torture}/src/**/*.test.ts', 'scripts/**/*.test.ts'],
    reporters: ['default', './tools/servers/src/not-run-reporter.ts'],
    // Many tests wait, for a disk, a lock or another process.
    maxWorkers: 2 * availableParallelism(),
    // On a loaded machine property tests take their time.
    testTimeout: 30_000,
  },
})
