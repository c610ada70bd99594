import type { AuditRecord } from '@finchat/secrets-core'
import { aRecord } from './sample-records.ts'

const dayMs = 86_400_000

/** The first day of the sample. */
const sampleStart = Date.UTC(2026, 6, 1)

const names = ['prod/db/password', 'prod/stripe/api-key', 'prod/session/signing-key', 'FINCHAT_TOKEN', 'prod/smtp/password']
const actors = ['webapp', 'billing-worker', 'nightly-report', undefined]

/**
 * A trail of 120 days as a small shop would have it: reads every day by two hosts, logins, one rotation,
 * a secret that nobody rotates, a denial, a wrong token, a deletion, an outage, a gap, and a contractor
 * who read a few times.
 */
export function sampleTrail(): readonly AuditRecord[] {
  const days = Array.from({ length: 120 }, (_, day) => dayOfShop(day))
  return days.flat().map((record, index) => ({ ...record, seq: index + 1 }))
}

function dayOfShop(day: number): AuditRecord[] {
  const reads = Array.from({ length: 20 + ((day * 7) % 11) }, (_, count) => readOn(day, count))
  return [...reads, ...(events.get(day)?.(day) ?? []), ...(day % 10 === 0 ? [login(day)] : [])]
}

const events = new Map<number, (day: number) => AuditRecord[]>([
  [60, rotation],
  [75, denials],
  [80, (day) => [aRecord({ ...on(day), operation: 'verify', actor: 'webapp', matched: 'none' })]],
  [90, (day) => [gap(day)]],
  [110, (day) => Array.from({ length: 3 }, (_, hour) => contractor(day, hour))],
  [112, (day) => [aRecord({ ...on(day), operation: 'delete', name: 'prod/old/token', actor: 'release' })]],
])

const on = (day: number): { readonly time: number } => ({ time: sampleStart + day * dayMs })

function contractor(day: number, hour: number): AuditRecord {
  return aRecord({
    time: on(day).time + hour * 3_600_000,
    name: 'prod/db/password',
    actor: 'contractor-kim',
    host: 'laptop-17',
    service: 'psql',
  })
}

function login(day: number): AuditRecord {
  const failed = day === 100 ? ({ outcome: 'error', code: 'UNAVAILABLE' } as const) : {}
  return aRecord({ ...on(day), operation: 'login', name: '', provider: 'vault', method: 'approle', actor: undefined, ...failed })
}

function readOn(day: number, count: number): AuditRecord {
  const spread = (day * 31 + count * 17) % 100
  const isOutage = day === 100 && count % 2 === 0
  const name = names[(spread % 7) % names.length] ?? 'FINCHAT_TOKEN'
  return aRecord({
    time: sampleStart + day * dayMs + count * 1_800_000,
    host: count % 2 === 0 ? 'web-1' : 'web-2',
    name,
    actor: actors[(spread >> 2) % actors.length],
    provider: isOutage ? 'vault' : spread % 3 === 0 ? 'vault' : 'aws',
    version: day > 60 && name === 'prod/db/password' ? 2 : 1,
    from: spread % 5 === 0 ? 'store' : 'memory',
    ...(isOutage && { outcome: 'error', code: 'UNAVAILABLE', provider: 'vault' }),
    ...(day === 101 && { degraded: true, provider: 'local' }),
  })
}

function rotation(day: number): AuditRecord[] {
  const said = { time: sampleStart + day * dayMs + 1, operation: 'rotate', name: 'prod/db/password', provider: 'aws', actor: 'release' }
  return [aRecord({ ...said, phase: 'intent', outcome: undefined }), aRecord({ ...said, version: 2 })]
}

function denials(day: number): AuditRecord[] {
  return Array.from({ length: 9 }, (_, count) =>
    aRecord({
      time: sampleStart + day * dayMs + count * 60_000,
      name: 'prod/payroll/key',
      actor: 'nightly-report',
      provider: 'vault',
      outcome: 'error',
      code: 'PERMISSION_DENIED',
    }),
  )
}

function gap(day: number): AuditRecord {
  return aRecord({
    time: sampleStart + day * dayMs,
    operation: 'gap',
    name: '',
    provider: undefined,
    actor: undefined,
    outcome: undefined,
    missed: 3,
  })
}
