import type { Scenario } from '../harness/scenario.ts'

export const scenario: Scenario = {
  title: 'Local store: 100,000 secrets beside 10,000',
  processes: 'kept',
  metrics: { time: 'µs', cpu: 'µs' },
  prepare: async (scale) => (await import('../stages/local-store.ts')).localStage([10_000, 100_000], scale),
  entrants: {
    'get of 100,000': { role: 'ours', load: async () => (await import('../contenders/local-ours.ts')).getOf100000 },
    'get of 10,000': { role: 'ours', load: async () => (await import('../contenders/local-ours.ts')).get },
    'put of 100,000': { role: 'ours', load: async () => (await import('../contenders/local-ours.ts')).putOf100000 },
    'put of 10,000': { role: 'ours', load: async () => (await import('../contenders/local-ours.ts')).put },
  },
  claims: [
    {
      what: 'local get of 100,000 secrets beside 10,000',
      metric: 'cpu',
      ours: 'get of 100,000',
      peer: 'get of 10,000',
      goal: { kind: 'ratio', to: 'peer', atMost: 2 },
    },
    {
      what: 'local put of 100,000 secrets beside 10,000',
      metric: 'cpu',
      ours: 'put of 100,000',
      peer: 'put of 10,000',
      goal: { kind: 'ratio', to: 'peer', atMost: 2 },
    },
  ],
}
