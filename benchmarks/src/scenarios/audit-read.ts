import type { Scenario } from '../harness/scenario.ts'

const [none, noOp, noSink] = ['no trail', 'trail that does nothing', 'trail, a sink that does nothing']
const [oneByOne, atOnce, noneAtOnce] = ['durable trail, one at a time', 'durable trail, 1,024 in flight', 'no trail, 1,024 in flight']

export const scenario: Scenario = {
  title: 'Audit: what a trail adds to a cached getSecret',
  processes: 'kept',
  metrics: { time: 'µs', cpu: 'µs' },
  prepare: async () => (await import('../stages/audit-folder.ts')).auditStage(),
  entrants: {
    [none]: { role: 'limit', load: async () => (await import('../contenders/audited-reads.ts')).unaudited },
    [noOp]: { role: 'ours', load: async () => (await import('../contenders/audited-reads.ts')).noOpTrail },
    [noSink]: { role: 'ours', load: async () => (await import('../contenders/audited-reads.ts')).noOpSink },
    [oneByOne]: { role: 'ours', load: async () => (await import('../contenders/audited-reads.ts')).durableOneByOne },
    [noneAtOnce]: { role: 'limit', load: async () => (await import('../contenders/audited-reads.ts')).unauditedAtOnce },
    [atOnce]: { role: 'ours', load: async () => (await import('../contenders/audited-reads.ts')).durableAtOnce },
  },
  claims: [
    { what: 'cached getSecret, a trail that does nothing', metric: 'time', ours: noOp, limit: none },
    { what: 'cached getSecret, a sink that does nothing', metric: 'time', ours: noSink, limit: none },
    { what: 'cached getSecret, recorded durably, one at a time', metric: 'time', ours: oneByOne, limit: none },
    { what: 'cached getSecret, recorded durably, 1,024 in flight', metric: 'time', ours: atOnce, limit: noneAtOnce },
    { what: 'cached getSecret, the same: processor time', metric: 'cpu', ours: atOnce, limit: noneAtOnce },
  ],
}
