import type { Entrant, Scenario } from '../harness/scenario.ts'

const [small, large] = ['10,000 secrets', '100,000 secrets']
const limit = 'SQLite, same mode'
const design = 'the tables and hashes alone'
const append = 'append and fdatasync'
const rewrite = 'rewrite of the file'

const sized = (size: number): Entrant => ({ role: 'ours', load: async () => (await import('../contenders/local-ours.ts')).putInto(size) })

export const scenario: Scenario = {
  title: 'Local store: one secret written durably',
  processes: 'kept',
  metrics: { time: 'µs', cpu: 'µs' },
  prepare: async (scale) => (await import('../stages/local-store.ts')).localStage([10_000, 100_000], scale),
  entrants: {
    [small]: sized(10_000),
    [large]: sized(100_000),
    [rewrite]: { role: 'peer', load: async () => (await import('../contenders/local-limits.ts')).rewrite },
    [limit]: { role: 'limit', load: async () => (await import('../contenders/local-limits.ts')).put },
    [design]: { role: 'limit', load: async () => (await import('../contenders/local-design.ts')).design },
    [append]: { role: 'limit', load: async () => (await import('../contenders/local-limits.ts')).append },
  },
  claims: [
    // For a disk on which the limit takes 150 µs; a faster one leaves more of the time to hashing.
    { what: 'local durable put', metric: 'time', ours: small, peer: large, limit, goal: { kind: 'ratio', to: 'limit', atMost: 2.2 } },
    {
      what: 'local durable put into 100,000 secrets beside 10,000',
      metric: 'time',
      ours: large,
      peer: small,
      limit,
      goal: { kind: 'ratio', to: 'peer', atMost: 1.2 },
    },
    { what: 'local durable put beside its own design', metric: 'time', ours: small, peer: rewrite, limit: design },
    { what: 'local durable put beside the disk alone', metric: 'time', ours: small, peer: rewrite, limit: append },
    { what: 'local durable put: processor time', metric: 'cpu', ours: small, peer: rewrite, limit },
  ],
}
