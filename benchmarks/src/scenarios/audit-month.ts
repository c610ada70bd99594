import type { Scenario } from '../harness/scenario.ts'

const [jobs, fewer, service] = ['a job each minute, a month', 'the same, three days', 'a busy service, a month']

export const scenario: Scenario = {
  title: 'Audit: a month of use verified with its checkpoints, for each of 43,200 segments, or of 2,600,000 records',
  processes: 'fresh',
  nodeOptions: ['--max-semi-space-size=8'],
  metrics: { time: 'µs', cpu: 'µs', memory: 'MB' },
  prepare: async (scale) => (await import('../stages/used-trails.ts')).usedTrailsStage(scale),
  entrants: {
    [jobs]: { role: 'ours', load: async () => (await import('../contenders/used-trails.ts')).jobs },
    [fewer]: { role: 'limit', load: async () => (await import('../contenders/used-trails.ts')).fewerJobs },
    [service]: { role: 'ours', load: async () => (await import('../contenders/used-trails.ts')).service },
  },
  claims: [
    {
      what: 'a month of a job each minute, verified, a segment beside three days',
      metric: 'time',
      ours: jobs,
      limit: fewer,
      goal: { kind: 'ratio', to: 'limit', atMost: 1.3 },
    },
    { what: 'its memory, with garbage bounded', metric: 'memory', ours: jobs, limit: fewer, goal: { kind: 'value', atMost: 150 } },
    { what: 'a month of a busy service, a checkpoint a second, verified, a record', metric: 'time', ours: service },
    { what: 'its memory, with garbage bounded', metric: 'memory', ours: service, goal: { kind: 'value', atMost: 150 } },
  ],
}
