import config from './vitest.config.ts'

/** The tests of core alone, which need no server. Stryker wants processes, not threads. */
const include = [`packages/core/src/${process.env['STRYKER_FOLDERS'] ?? '**'}/*.test.ts`]

export default { ...config, test: { ...config.test, include, pool: 'forks' as const, reporters: ['dot'] } }
