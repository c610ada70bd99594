// `pnpm stryker`: a second opinion on core beside `pnpm mutate`, by another tool, in hours. It changes
// sources in place: run it in a clone. STRYKER_FOLDERS=guard chooses folders of packages/core/src.
import process from 'node:process'

const folders = process.env.STRYKER_FOLDERS ?? '{chain,errors,guard,verify}'

export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'vitest.stryker.config.ts' },
  inPlace: true,
  tempDirName: '.cache/stryker',
  mutate: [`packages/core/src/${folders}/*.ts`, '!**/*.test.ts'],
  coverageAnalysis: 'perTest',
  reporters: ['clear-text'],
  clearTextReporter: { logTests: false, allowColor: false },
  disableTypeChecks: false, // it would write a comment into every source
  thresholds: { high: 95, low: 90, break: 80 },
}
