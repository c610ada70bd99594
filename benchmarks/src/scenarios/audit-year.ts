import type { Scenario } from '../harness/scenario.ts'

const contenders = (): Promise<typeof import('../contenders/used-trails.ts')> => import('../contenders/used-trails.ts')
const [jobs, halfOfJobs, fewerJobs] = ['a job each minute, a year', 'the same, half a year', 'the same, three days']
const [service, fewerOfService] = ['a busy service, a quarter', 'the same, nine days']

/** Makes and reads two million files: only if it is asked for. */
export const scenario: Scenario = {
  title: 'Audit: long use verified with its checkpoints, for each of 525,600 segments, or of 7,800,000 records',
  processes: 'fresh',
  nodeOptions: ['--max-semi-space-size=8'],
  metrics: { time: 'µs', cpu: 'µs', memory: 'MB' },
  prepare: async (scale) => (await import('../stages/used-trails.ts')).yearOfTrailsStage(scale),
  entrants: {
    [jobs]: { role: 'ours', load: async () => (await contenders()).jobs },
    [halfOfJobs]: { role: 'ours', load: async () => (await contenders()).halfOfJobs },
    [fewerJobs]: { role: 'limit', load: async () => (await contenders()).fewerJobs },
    [service]: { role: 'ours', load: async () => (await contenders()).service },
    [fewerOfService]: { role: 'limit', load: async () => (await contenders()).fewerOfService },
  },
  claims: [
    { what: 'a year of a job each minute, verified, a segment beside three days', ...linear(jobs, fewerJobs) },
    { what: 'its memory, with garbage bounded', ...bounded(jobs) },
    { what: 'half of that year, a segment beside three days', ...linear(halfOfJobs, fewerJobs) },
    { what: 'its memory, with garbage bounded', ...bounded(halfOfJobs) },
    { what: 'a quarter of a busy service, a checkpoint a second, a record beside nine days', ...linear(service, fewerOfService) },
    { what: 'its memory, with garbage bounded', ...bounded(service) },
  ],
}

function linear(ours: string, limit: string): Pick<Scenario['claims'][number], 'metric' | 'ours' | 'limit' | 'goal'> {
  return { metric: 'time', ours, limit, goal: { kind: 'ratio', to: 'limit', atMost: 1.3 } }
}

function bounded(ours: string): Pick<Scenario['claims'][number], 'metric' | 'ours' | 'goal'> {
  return { metric: 'memory', ours, goal: { kind: 'value', atMost: 150 } }
}
