import type { Scenario } from '../harness/scenario.ts'

const limit = 'SQLite read and AES-GCM'

export const scenario: Scenario = {
  title: 'Local store: one of 10,000 secrets read and opened',
  processes: 'kept',
  metrics: { time: 'µs', cpu: 'µs' },
  prepare: async (scale) => (await import('../stages/local-store.ts')).localStage([10_000], scale),
  entrants: {
    get: { role: 'ours', load: async () => (await import('../contenders/local-ours.ts')).get },
    [limit]: { role: 'limit', load: async () => (await import('../contenders/local-limits.ts')).get },
  },
  claims: [{ what: 'local get', metric: 'cpu', ours: 'get', limit, goal: { kind: 'ratio', to: 'limit', atMost: 2 } }],
}
