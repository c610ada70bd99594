import type { Scenario } from '../harness/scenario.ts'

const limit = 'SQLite, same mode'
const design = 'the tables and hashes alone'
const append = 'append and fdatasync'
const rewrite = 'rewrite of the file'

export const scenario: Scenario = {
  title: 'Local store: one of 10,000 secrets written durably',
  processes: 'kept',
  metrics: { time: 'µs', cpu: 'µs' },
  prepare: async (scale) => (await import('../stages/local-store.ts')).localStage([10_000], scale),
  entrants: {
    put: { role: 'ours', load: async () => (await import('../contenders/local-ours.ts')).put },
    [rewrite]: { role: 'peer', load: async () => (await import('../contenders/local-limits.ts')).rewrite },
    [limit]: { role: 'limit', load: async () => (await import('../contenders/local-limits.ts')).put },
    [design]: { role: 'limit', load: async () => (await import('../contenders/local-design.ts')).design },
    [append]: { role: 'limit', load: async () => (await import('../contenders/local-limits.ts')).append },
  },
  claims: [
    { what: 'local durable put', metric: 'time', ours: 'put', peer: rewrite, limit, goal: { kind: 'ratio', to: 'limit', atMost: 1.5 } },
    { what: 'local durable put beside its own design', metric: 'time', ours: 'put', peer: rewrite, limit: design },
    { what: 'local durable put beside the disk alone', metric: 'time', ours: 'put', peer: rewrite, limit: append },
    { what: 'local durable put: processor time', metric: 'cpu', ours: 'put', peer: rewrite, limit },
  ],
}
