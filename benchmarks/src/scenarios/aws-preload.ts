import type { Claim, Scenario } from '../harness/scenario.ts'

const ours = { role: 'ours' } as const
const peer = { role: 'peer' } as const

const claim = (what: string, entrant: string): Claim => ({
  what,
  metric: 'time',
  ours: entrant,
  peer: 'powertools',
  limit: 'SDK, 5 batches at once',
  goal: { kind: 'ratio', to: 'limit', atMost: 1.3 },
})

export const scenario: Scenario = {
  title: 'AWS: 100 secrets preloaded, the store takes 20 ms',
  processes: 'kept',
  metrics: { time: 'ms', cpu: 'ms' },
  prepare: async () => (await import('../stages/aws-stub.ts')).awsStage(20),
  entrants: {
    getSecrets: { ...ours, load: async () => (await import('../contenders/aws-ours.ts')).getSecrets },
    loadSecrets: { ...ours, load: async () => (await import('../contenders/aws-ours.ts')).load },
    powertools: { ...peer, load: async () => (await import('../contenders/powertools-aws.ts')).preload },
    'SDK, all at once': { ...peer, load: async () => (await import('../contenders/aws-sdk.ts')).inParallel },
    'SDK, one by one': { ...peer, load: async () => (await import('../contenders/aws-sdk.ts')).oneByOne },
    'SDK, 5 batches at once': { role: 'limit', load: async () => (await import('../contenders/aws-sdk.ts')).batches },
  },
  claims: [
    claim('getSecrets of 100, the store takes 20 ms', 'getSecrets'),
    claim('loadSecrets of 100, the store takes 20 ms', 'loadSecrets'),
    { what: 'getSecrets of 100: processor time', metric: 'cpu', ours: 'getSecrets', peer: 'powertools', limit: 'SDK, 5 batches at once' },
  ],
}
