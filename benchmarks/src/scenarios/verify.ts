import type { Scenario } from '../harness/scenario.ts'

export const scenario: Scenario = {
  title: 'Core: a presented token verified, the stored one is in the cache',
  processes: 'kept',
  metrics: { time: 'µs', cpu: 'µs' },
  entrants: {
    verifySecret: { role: 'ours', load: async () => (await import('../contenders/verify.ts')).verifySecret },
    'two HMACs, raw key': { role: 'peer', load: async () => (await import('../contenders/verify.ts')).twoHmacs },
    'one HMAC, KeyObject': { role: 'peer', load: async () => (await import('../contenders/verify.ts')).oneHmac },
    'one hash': { role: 'limit', load: async () => (await import('../contenders/verify.ts')).oneHash },
  },
  claims: [
    {
      what: 'verifySecret beside two HMACs with a raw key',
      metric: 'cpu',
      ours: 'verifySecret',
      peer: 'two HMACs, raw key',
      limit: 'one hash',
      goal: { kind: 'faster', to: 'peer', times: 5 },
    },
    {
      what: 'verifySecret beside one HMAC with a KeyObject',
      metric: 'cpu',
      ours: 'verifySecret',
      peer: 'one HMAC, KeyObject',
      limit: 'one hash',
      goal: { kind: 'ratio', to: 'peer', atMost: 1 },
    },
  ],
}
