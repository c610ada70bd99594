import type { Claim, Entrant, Scenario } from '../harness/scenario.ts'

const [large, small, limit] = ['100,000 secrets', '10,000 secrets', 'SQLite, 10,000 rows']
const sized = (size: number): Entrant => ({ role: 'ours', load: async () => (await import('../contenders/local-ours.ts')).allOf(size) })
/** Of ten times as many secrets. */
const beside = (metric: string, atMost: number): Claim => ({
  what: `local ${metric} of 100,000 secrets beside 10,000`,
  metric,
  ours: large,
  peer: small,
  goal: { kind: 'ratio', to: 'peer', atMost },
})

export const scenario: Scenario = {
  title: 'Local store by size: opening until the first read; processor time of a get and a put',
  processes: 'kept',
  metrics: { open: 'ms', get: 'µs', put: 'µs' },
  prepare: async (scale) => (await import('../stages/local-store.ts')).localStage([10_000, 100_000], scale),
  entrants: {
    [large]: sized(100_000),
    [small]: sized(10_000),
    [limit]: { role: 'limit', load: async () => (await import('../contenders/local-limits.ts')).all },
  },
  claims: [
    { what: 'local store of 10,000 opened', metric: 'open', ours: small, limit },
    { what: 'local store of 100,000 opened', metric: 'open', ours: large, peer: small },
    beside('get', 2),
    beside('put', 1.2),
  ],
}
