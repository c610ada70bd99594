import type { Scenario } from '../harness/scenario.ts'

const ours = '10,000 live secrets'
const limit = '10,000 values'

export const scenario: Scenario = {
  title: 'Core: 10,000 live secrets of as many names, while nothing happens',
  processes: 'kept',
  nodeOptions: ['--expose-gc'],
  metrics: { memory: 'KB', timers: '' },
  entrants: {
    [ours]: { role: 'ours', load: async () => (await import('../contenders/live-idle.ts')).handles },
    [limit]: { role: 'limit', load: async () => (await import('../contenders/live-idle.ts')).values },
  },
  claims: [
    { what: '10,000 idle live secrets: memory of each', metric: 'memory', ours, limit },
    { what: '10,000 idle live secrets: timers', metric: 'timers', ours, limit, goal: { kind: 'value', atMost: 1 } },
  ],
}
