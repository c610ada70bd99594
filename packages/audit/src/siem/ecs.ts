import type { AuditRecord } from '@finchat/secrets-core'
import { humanLine } from '../record/human-line.ts'
import { activityOf, type Activity, denialsAndAlterations } from '../record/activity.ts'
import { assertRecord } from '../format/segment-format.ts'
import { recordDigest } from '../record/digest.ts'
import { defined } from '../record/record-text.ts'

/**
 * A document of the Elastic Common Schema 9.4. Members without an ECS field are text under
 * `labels`.
 */
export interface EcsDocument {
  /** ISO 8601, UTC. */
  readonly '@timestamp': string
  readonly ecs: { readonly version: '9.4.0' }
  readonly message: string
  readonly event: Readonly<Record<string, unknown>>
  readonly service: { readonly name: string }
  readonly host: { readonly name: string }
  readonly process: { readonly pid: number }
  readonly user?: { readonly name: string }
  readonly error?: { readonly code: string }
  readonly trace?: { readonly id: string }
  readonly span?: { readonly id: string }
  readonly labels: Readonly<Record<string, string>>
}

const types = {
  create: 'creation',
  read: 'access',
  update: 'change',
  delete: 'deletion',
  login: 'start',
  other: 'info',
} as const satisfies Record<Activity, string>

/** The range of dates with four-digit years. */
const [earliest, latest] = [0, 253_402_300_799_999]

/**
 * Maps a record to the Elastic Common Schema, version 9.4. `event.id` and `event.sequence` are its
 * trail and number. `event.hash` is the SHA-256 of its line in a segment, so that
 * `verifyAuditTrail` vouches for the document too. `event.duration` is in nanoseconds. Throws
 * `INVALID_ARGUMENT` for anything but a record.
 *
 * @example
 * import { toEcs } from '@finchat/secrets-audit/siem'
 *
 * const document = toEcs({
 *   v: 1, trail: 't', seq: 1, host: 'web-1', pid: 4711, service: 'shop', release: '1.0.0',
 *   phase: 'outcome', operation: 'get', outcome: 'ok', name: 'FINCHAT_TOKEN', provider: 'aws', time: 1640995200000, actor: 'webapp',
 * })
 * console.log(document['@timestamp'], document.labels['secret_name']) // 2022-01-01T00:00:00.000Z FINCHAT_TOKEN
 */
export function toEcs(record: AuditRecord): EcsDocument {
  assertRecord(record)
  const { time, service, host, pid, actor, code, traceId, spanId } = record
  return {
    '@timestamp': new Date(Math.min(Math.max(time, earliest), latest)).toISOString(),
    ecs: { version: '9.4.0' },
    message: humanLine(record),
    event: eventOf(record),
    service: { name: service },
    host: { name: host },
    process: { pid },
    labels: labelsOf(record),
    ...defined({
      user: actor === undefined ? undefined : { name: actor },
      error: code === undefined ? undefined : { code },
      trace: traceId === undefined ? undefined : { id: traceId },
      span: spanId === undefined ? undefined : { id: spanId },
    }),
  }
}

function eventOf(record: AuditRecord): EcsDocument['event'] {
  const { trail, seq, operation, outcome, code, durationMs } = record
  const activity = activityOf(operation)
  const isRefused = denialsAndAlterations.includes(code) && activity !== 'login'
  return defined({
    kind: 'event',
    category: [activity === 'login' ? 'authentication' : 'api'],
    type: isRefused ? [types[activity], 'denied'] : [types[activity]],
    action: operation,
    outcome: outcome === undefined ? 'unknown' : outcome === 'ok' ? 'success' : 'failure',
    dataset: 'finchat.secrets',
    provider: '@finchat/secrets-audit',
    id: `${trail}:${seq}`,
    sequence: seq,
    code,
    duration: durationMs === undefined ? undefined : Math.round(durationMs * 1e6),
    hash: recordDigest(record).sha256,
  })
}

function labelsOf(record: AuditRecord): EcsDocument['labels'] {
  const { phase, release, trail, name, provider, version, revision, from, degraded, stale, matched } = record
  const { requestId, method, missed, missedFrom, checkpoint } = record
  const ofTheSecret = { secret_name: name, secret_provider: provider, secret_version: version, secret_revision: revision }
  const ofTheAnswer = { answered_from: from, degraded, stale, matched, method, request_id: requestId }
  const ofTheTrail = { phase, release, trail, missed, missed_from: missedFrom, checkpoint }
  const labels = Object.entries(defined({ ...ofTheSecret, ...ofTheAnswer, ...ofTheTrail }))
  return Object.fromEntries(labels.map(([label, value]) => [label, String(value)]))
}
