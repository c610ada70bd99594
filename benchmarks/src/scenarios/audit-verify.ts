import type { Scenario } from '../harness/scenario.ts'

const [verify, lines, limit] = ['verifyAuditTrail', 'JSON.parse and HMAC for each', 'files read, one HMAC']

export const scenario: Scenario = {
  title: 'Audit: a trail of 200,000 records verified, for each record',
  processes: 'kept',
  metrics: { time: 'µs', cpu: 'µs' },
  prepare: async (scale) => (await import('../stages/audit-folder.ts')).trailStage(Math.ceil(200_000 * scale)),
  entrants: {
    [verify]: { role: 'ours', load: async () => (await import('../contenders/audit-ours.ts')).verify },
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
  ],
}
