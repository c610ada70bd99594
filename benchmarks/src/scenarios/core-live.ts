import type { Scenario } from '../harness/scenario.ts'

const limit = 'a property'
const readFirst = 'await fn(await getSecretValue(name))'

export const scenario: Scenario = {
  title: 'Core: a live secret, and logins with one',
  processes: 'kept',
  metrics: { time: 'ns', cpu: 'ns' },
  entrants: {
    current: { role: 'ours', load: async () => (await import('../contenders/live-work.ts')).current },
    [limit]: { role: 'limit', load: async () => (await import('../contenders/live-work.ts')).property },
    useSecret: { role: 'ours', load: async () => (await import('../contenders/live-work.ts')).used },
    [readFirst]: { role: 'limit', load: async () => (await import('../contenders/live-work.ts')).readFirst },
  },
  claims: [
    { what: 'current of a live secret', metric: 'cpu', ours: 'current', limit, goal: { kind: 'difference', to: 'limit', atMost: 5 } },
    {
      what: 'useSecret over a live secret',
      metric: 'cpu',
      ours: 'useSecret',
      limit: readFirst,
      goal: { kind: 'ratio', to: 'limit', atMost: 1.2 },
    },
  ],
}
