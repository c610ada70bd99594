import type { AuditRecord } from '@finchat/secrets-core'
import { aRecord } from './sample-records.ts'

const dayMs = 86_400_000

/** The first day of the sample. */
const sampleStart = Date.UTC(2026, 6, 1)

const names = ['prod/db/password', 'prod/stripe/api-key', 'prod/session/signing-key', 'FINCHAT_TOKEN', 'prod/smtp/password']
const actors = ['webapp', 'billing-worker', 'nightly-report', undefined]

/** A trail of 120 days as a small shop would have it: reads every day, one rotation, a secret that nobody rotates, a denial, an outage. */
export function sampleTrail(): readonly AuditRecord[] {
  const days = Array.from({ length: 120 }, (_, day) => dayOfShop(day))
  return days.flat().map((record, index) => ({ ...record, seq: index + 1 }))
}

function dayOfShop(day: number): AuditRecord[] {
  const reads = Array.from({ length: 20 + ((day * 7) % 11) }, (_, count) => readOn(day, count))
  return [...reads, ...(day === 60 ? rotation(day) : []), ...(day === 75 ? denials(day) : []), ...(day === 90 ? [gap(day)] : [])]
}

function readOn(day: number, count: number): AuditRecord {
  const spread = (day * 31 + count * 17) % 100
  const isOutage = day === 100 && count % 2 === 0
  const name = names[(spread % 7) % names.length] ?? 'FINCHAT_TOKEN'
  return aRecord({
    time: sampleStart + day * dayMs + count * 1_800_000,
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
