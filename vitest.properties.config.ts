import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'
import config from './vitest.config.ts'

const moreRuns = fileURLToPath(new URL('scripts/more-runs.ts', import.meta.url))
const withProperties = execFileSync('git', ['grep', '-l', "from 'fast-check'", '--', '*.test.ts'], { encoding: 'utf8' })

/** The property tests alone, 30 times each, or for half a minute: a rare fault needs more than `npm test` has time for. */
export default defineConfig({
  ...config,
  plugins: [
    {
      name: 'more-runs',
      enforce: 'pre',
      resolveId: (source, importer) => (source === 'fast-check' && importer !== moreRuns ? moreRuns : undefined),
    },
  ],
  test: {
    ...config.test,
    include: withProperties.trimEnd().split('\n'),
    exclude: configDefaults.exclude,
    testTimeout: 600_000,
  },
})
