import type { Scenario } from '../harness/scenario.ts'

export const scenario: Scenario = {
  title: 'Core: copies of a cached value in the heap snapshot of an idle process, after 1,000 reads',
  processes: 'kept',
  metrics: { copies: '' },
  entrants: {
    getSecret: { role: 'ours', load: async () => (await import('../contenders/core-misses.ts')).heap },
    powertools: { role: 'peer', load: async () => (await import('../contenders/powertools-cache.ts')).heap },
    'lru-cache': { role: 'peer', load: async () => (await import('../contenders/lru-cache.ts')).heap },
    keyv: { role: 'peer', load: async () => (await import('../contenders/keyv.ts')).heap },
  },
  claims: [
    {
      what: 'copies of a cached value in a heap snapshot',
      metric: 'copies',
      ours: 'getSecret',
      peer: 'powertools',
      goal: { kind: 'value', atMost: 0 },
    },
  ],
}
