import type { Scenario } from '../harness/scenario.ts'

const [durable, unsynced, trail] = ['sealed, durable', 'sealed, without fdatasync', 'trail, sealed, durable']
const [awaitEach, syncEach] = ['fdatasync for each, awaited', 'fdatasync for each']
const [pino, limit] = ['pino, sync', 'lines alone, fdatasync for 1,024']

export const scenario: Scenario = {
  title: 'Audit: a record written to a file; ours with 1,024 in flight',
  processes: 'kept',
  metrics: { time: 'µs', cpu: 'µs' },
  prepare: async () => (await import('../stages/audit-folder.ts')).auditStage(),
  entrants: {
    [durable]: { role: 'ours', load: async () => (await import('../contenders/audit-ours.ts')).durable },
    [unsynced]: { role: 'ours', load: async () => (await import('../contenders/audit-ours.ts')).buffered },
    [trail]: { role: 'ours', load: async () => (await import('../contenders/audit-ours.ts')).trail },
    [awaitEach]: { role: 'peer', load: async () => (await import('../contenders/audit-limits.ts')).awaitEach },
    [syncEach]: { role: 'peer', load: async () => (await import('../contenders/audit-limits.ts')).syncEach },
    [pino]: { role: 'peer', load: async () => (await import('../contenders/pino.ts')).sync },
    [limit]: { role: 'limit', load: async () => (await import('../contenders/audit-limits.ts')).linesOnly },
  },
  claims: [
    {
      what: 'audit, durable and sealed, beside fdatasync for each event',
      metric: 'time',
      ours: durable,
      peer: syncEach,
      limit,
      goal: { kind: 'faster', to: 'peer', times: 60 },
    },
    {
      what: 'the same beside one that awaits its fdatasync',
      metric: 'time',
      ours: durable,
      peer: awaitEach,
      limit,
      goal: { kind: 'faster', to: 'peer', times: 60 },
    },
    {
      what: 'audit, sealed, as durable as pino (not synced)',
      metric: 'time',
      ours: unsynced,
      peer: pino,
      limit,
      goal: { kind: 'ratio', to: 'peer', atMost: 1 },
    },
    {
      what: 'audit, durable and sealed, beside pino (not synced)',
      metric: 'time',
      ours: durable,
      peer: pino,
      limit,
      goal: { kind: 'ratio', to: 'peer', atMost: 1 },
    },
    {
      what: 'audit, durable and sealed, beside lines alone',
      metric: 'time',
      ours: durable,
      limit,
      goal: { kind: 'ratio', to: 'limit', atMost: 1.25 },
    },
    { what: 'audit, durable and sealed, processor time beside pino', metric: 'cpu', ours: durable, peer: pino, limit },
    { what: 'audit, from the event to disk, the trail included', metric: 'time', ours: trail, peer: syncEach, limit },
  ],
}
