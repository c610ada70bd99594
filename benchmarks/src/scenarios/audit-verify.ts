import type { Scenario } from '../harness/scenario.ts'

const [verify, alone, lines, limit] = [
  'verifyAuditTrail',
  'verifyAuditTrail, each sealed alone',
  'JSON.parse and HMAC for each',
  'files read, one HMAC',
]

export const scenario: Scenario = {
  title: 'Audit: a trail of 200,000 records verified, for each record',
  processes: 'kept',
  metrics: { time: 'µs', cpu: 'µs' },
  prepare: async (scale) => (await import('../stages/audit-folder.ts')).trailsStage(scale),
  entrants: {
    [verify]: { role: 'ours', load: async () => (await import('../contenders/audit-ours.ts')).verifyGroups },
    [alone]: { role: 'ours', load: async () => (await import('../contenders/audit-ours.ts')).verifyAlone },
    [lines]: { role: 'peer', load: async () => (await import('../contenders/audit-limits.ts')).hmacOfLines },
    [limit]: { role: 'limit', load: async () => (await import('../contenders/audit-limits.ts')).hmacOfFiles },
  },
  claims: [
    {
      what: 'verifyAuditTrail, a record (5 µs are 200,000 a second)',
      metric: 'time',
      ours: verify,
      peer: lines,
      limit,
      goal: { kind: 'value', atMost: 5 },
    },
    { what: 'verifyAuditTrail, a record that was sealed alone', metric: 'time', ours: alone, peer: lines, limit },
  ],
}
