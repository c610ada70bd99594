import type { Scenario } from '../harness/scenario.ts'

const limit = 'SQLite, 10,000 rows'

export const scenario: Scenario = {
  title: 'Local store: opened, one secret read, closed',
  processes: 'kept',
  metrics: { time: 'ms', cpu: 'ms' },
  prepare: async (scale) => (await import('../stages/local-store.ts')).localStage([10_000, 100_000], scale),
  entrants: {
    '10,000 secrets': { role: 'ours', load: async () => (await import('../contenders/local-ours.ts')).open },
    '100,000 secrets': { role: 'ours', load: async () => (await import('../contenders/local-ours.ts')).openOf100000 },
    [limit]: { role: 'limit', load: async () => (await import('../contenders/local-limits.ts')).open },
  },
  claims: [
    { what: 'local store of 10,000 opened', metric: 'time', ours: '10,000 secrets', limit },
    { what: 'local store of 100,000 opened', metric: 'time', ours: '100,000 secrets', peer: '10,000 secrets' },
  ],
}
