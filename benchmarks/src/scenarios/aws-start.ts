import type { Scenario } from '../harness/scenario.ts'

export const scenario: Scenario = {
  title: 'AWS: from the start of the process to the first secret',
  processes: 'fresh',
  metrics: { time: 'ms', cpu: 'ms', memory: 'MB' },
  prepare: async () => (await import('../stages/aws-stub.ts')).awsStage(0),
  entrants: {
    getSecret: { role: 'ours', load: async () => (await import('../contenders/aws-ours.ts')).start },
    SDK: { role: 'peer', load: async () => (await import('../contenders/aws-sdk.ts')).start },
    powertools: { role: 'peer', load: async () => (await import('../contenders/powertools-aws.ts')).start },
    'bare Node.js': { role: 'limit', load: async () => (await import('../contenders/bare-node.ts')).start },
  },
  claims: [
    {
      what: 'start to first AWS secret',
      metric: 'time',
      ours: 'getSecret',
      peer: 'SDK',
      limit: 'bare Node.js',
      goal: { kind: 'difference', to: 'peer', atMost: 5 },
    },
  ],
}
