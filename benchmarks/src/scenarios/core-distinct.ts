import type { Scenario } from '../harness/scenario.ts'

export const scenario: Scenario = {
  title: 'Core: 100,000 distinct names through a cache of 1,000; growth is from the 20,000th to the last',
  processes: 'kept',
  nodeOptions: ['--expose-gc'],
  metrics: { time: 'µs', cpu: 'µs', growth: 'MB' },
  entrants: {
    getSecret: { role: 'ours', load: async () => (await import('../contenders/core-misses.ts')).distinct },
    'lru-cache': { role: 'peer', load: async () => (await import('../contenders/lru-cache.ts')).distinct },
    'the store alone': { role: 'limit', load: async () => (await import('../contenders/stored-promise.ts')).distinct },
  },
  claims: [
    {
      what: '100,000 names through a cache of 1,000: memory that grew',
      metric: 'growth',
      ours: 'getSecret',
      peer: 'lru-cache',
      goal: { kind: 'value', atMost: 0.5 },
    },
    { what: 'a miss', metric: 'cpu', ours: 'getSecret', peer: 'lru-cache', limit: 'the store alone' },
  ],
}
