import type { Scenario } from '../harness/scenario.ts'

const ours = '1,000 watchers'
const limit = 'one watcher'

export const scenario: Scenario = {
  title: 'Core: watchers of one secret that does not change, for five intervals of one second',
  processes: 'kept',
  metrics: { probes: '' },
  entrants: {
    [ours]: { role: 'ours', load: async () => (await import('../contenders/live-idle.ts')).manyWatchers },
    [limit]: { role: 'limit', load: async () => (await import('../contenders/live-idle.ts')).oneWatcher },
  },
  claims: [
    {
      what: '1,000 watchers of one secret: probes in an interval',
      metric: 'probes',
      ours,
      limit,
      goal: { kind: 'value', atMost: 1 },
    },
  ],
}
