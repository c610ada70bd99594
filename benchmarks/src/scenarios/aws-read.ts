import type { Scenario } from '../harness/scenario.ts'

export const scenario: Scenario = {
  title: 'AWS: one secret read from the store, which answers at once',
  processes: 'kept',
  metrics: { time: 'µs', cpu: 'µs' },
  prepare: async () => (await import('../stages/aws-stub.ts')).awsStage(0),
  entrants: {
    'getSecret, fresh': { role: 'ours', load: async () => (await import('../contenders/aws-ours.ts')).reads },
    powertools: { role: 'peer', load: async () => (await import('../contenders/powertools-aws.ts')).reads },
    SDK: { role: 'limit', load: async () => (await import('../contenders/aws-sdk.ts')).reads },
    'getSecret, 64 in flight': { role: 'ours', load: async () => (await import('../contenders/aws-ours.ts')).crowdedReads },
    'SDK, 64 in flight': { role: 'limit', load: async () => (await import('../contenders/aws-sdk.ts')).crowdedReads },
  },
  claims: [
    {
      what: 'uncached AWS read, one by one',
      metric: 'time',
      ours: 'getSecret, fresh',
      peer: 'powertools',
      limit: 'SDK',
      goal: { kind: 'ratio', to: 'limit', atMost: 1.1 },
    },
    {
      what: 'uncached AWS read, one by one: processor time',
      metric: 'cpu',
      ours: 'getSecret, fresh',
      peer: 'powertools',
      limit: 'SDK',
      goal: { kind: 'ratio', to: 'limit', atMost: 1.1 },
    },
    {
      what: 'uncached AWS read, 64 in flight: processor time',
      metric: 'cpu',
      ours: 'getSecret, 64 in flight',
      limit: 'SDK, 64 in flight',
      goal: { kind: 'ratio', to: 'limit', atMost: 1.1 },
    },
  ],
}
