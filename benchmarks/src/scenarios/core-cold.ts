import type { Scenario } from '../harness/scenario.ts'

const limit = 'one stored promise'

export const scenario: Scenario = {
  title: 'Core: 10,000 concurrent reads of one uncached secret, the store takes 20 ms',
  processes: 'kept',
  metrics: { calls: '', time: 'ms', cpu: 'ms' },
  entrants: {
    getSecret: { role: 'ours', load: async () => (await import('../contenders/core-misses.ts')).cold },
    powertools: { role: 'peer', load: async () => (await import('../contenders/powertools-cache.ts')).cold },
    'lru-cache': { role: 'peer', load: async () => (await import('../contenders/lru-cache.ts')).cold },
    cacheable: { role: 'peer', load: async () => (await import('../contenders/cacheable.ts')).cold },
    keyv: { role: 'peer', load: async () => (await import('../contenders/keyv.ts')).cold },
    [limit]: { role: 'limit', load: async () => (await import('../contenders/stored-promise.ts')).cold },
  },
  claims: [
    {
      what: '10,000 cold reads: calls to the store',
      metric: 'calls',
      ours: 'getSecret',
      peer: 'powertools',
      limit,
      goal: { kind: 'value', atMost: 1 },
    },
    {
      what: '10,000 cold reads, the store takes 20 ms',
      metric: 'time',
      ours: 'getSecret',
      peer: 'lru-cache',
      limit,
      goal: { kind: 'value', atMost: 35 },
    },
  ],
}
