import type { Claim, Scenario } from '../harness/scenario.ts'

const limit = 'stored promise, with expiry'
const cached = { metric: 'cpu', peer: 'powertools', limit } as const
const beside = (peer: string): Claim => ({ what: `cached getSecret beside ${peer}`, metric: 'cpu', ours: 'getSecret', peer, limit })

export const scenario: Scenario = {
  title: 'Core: a secret that is in the cache, a chain of four providers',
  processes: 'kept',
  metrics: { time: 'ns', cpu: 'ns' },
  entrants: {
    getSecret: { role: 'ours', load: async () => (await import('../contenders/core-ours.ts')).first },
    getSecretValue: { role: 'ours', load: async () => (await import('../contenders/core-ours.ts')).asValue },
    'getSecret, held by the fourth': { role: 'ours', load: async () => (await import('../contenders/core-ours.ts')).fourth },
    'getSecret, audited': { role: 'ours', load: async () => (await import('../contenders/core-ours.ts')).audited },
    powertools: { role: 'peer', load: async () => (await import('../contenders/powertools-cache.ts')).cached },
    'powertools, maxAge': { role: 'peer', load: async () => (await import('../contenders/powertools-cache.ts')).cachedFor },
    'lru-cache': { role: 'peer', load: async () => (await import('../contenders/lru-cache.ts')).cached },
    unstorage: { role: 'peer', load: async () => (await import('../contenders/unstorage.ts')).cached },
    keyv: { role: 'peer', load: async () => (await import('../contenders/keyv.ts')).cached },
    cacheable: { role: 'peer', load: async () => (await import('../contenders/cacheable.ts')).cached },
    [limit]: { role: 'limit', load: async () => (await import('../contenders/stored-promise.ts')).untilItExpires },
    'stored promise': { role: 'limit', load: async () => (await import('../contenders/stored-promise.ts')).awaited },
  },
  claims: [
    { what: 'cached getSecret', ours: 'getSecret', ...cached, goal: { kind: 'ratio', to: 'limit', atMost: 2 } },
    { what: 'cached getSecret beside powertools', ours: 'getSecret', ...cached, goal: { kind: 'faster', to: 'peer', times: 3.5 } },
    { what: 'cached getSecretValue', ours: 'getSecretValue', ...cached, goal: { kind: 'ratio', to: 'limit', atMost: 1.2 } },
    {
      what: 'cached getSecret, held by the fourth provider',
      ours: 'getSecret, held by the fourth',
      ...cached,
      goal: { kind: 'ratio', to: 'limit', atMost: 2.5 },
    },
    {
      what: 'cached getSecret, audited by a no-op trail',
      ours: 'getSecret, audited',
      ...cached,
      goal: { kind: 'ratio', to: 'limit', atMost: 8 },
    },
    ...['powertools, maxAge', 'lru-cache', 'unstorage', 'keyv', 'cacheable'].map(beside),
  ],
}
