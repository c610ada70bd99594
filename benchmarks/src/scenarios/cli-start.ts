import type { Scenario } from '../harness/scenario.ts'

export const scenario: Scenario = {
  title: 'Command line: a process that reads one secret from a local store',
  processes: 'kept',
  metrics: { time: 'ms', cpu: 'ms' },
  prepare: async () => (await import('../stages/cli-project.ts')).cliStage(),
  entrants: {
    'finchat-secrets get': { role: 'ours', load: async () => (await import('../contenders/cli-work.ts')).commandLine },
    'the library alone': { role: 'peer', load: async () => (await import('../contenders/cli-work.ts')).library },
    'bare Node.js': { role: 'limit', load: async () => (await import('../contenders/cli-work.ts')).bareNode },
  },
  claims: [
    {
      what: 'command line: processor time of a get',
      metric: 'cpu',
      ours: 'finchat-secrets get',
      peer: 'the library alone',
      limit: 'bare Node.js',
      goal: { kind: 'difference', to: 'limit', atMost: 60 },
    },
  ],
}
