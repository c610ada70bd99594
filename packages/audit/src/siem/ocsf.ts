import type { AuditRecord } from '@finchat/secrets-core'
import { type Activity, activityOf, denialsAndAlterations } from '../record/activity.ts'
import { humanLine } from '../record/human-line.ts'
import { defined } from '../record/record-text.ts'
import { assertRecord } from '../format/segment-format.ts'
import { recordDigest } from '../record/digest.ts'

/** An event of class API Activity (6003) of OCSF 1.8.0, with the profiles host and trace. */
export interface OcsfEvent {
  readonly category_uid: 6
  readonly category_name: 'Application Activity'
  readonly class_uid: 6003
  readonly class_name: 'API Activity'
  readonly activity_id: 1 | 2 | 3 | 4 | 99
  readonly activity_name: string
  readonly type_uid: number
  readonly type_name: string
  /** Epoch milliseconds. */
  readonly time: number
  readonly severity_id: 1 | 2 | 3 | 4
  readonly severity: string
  readonly status_id: 0 | 1 | 2
  readonly status: string
  readonly status_code?: string
  /** Milliseconds. */
  readonly duration?: number
  readonly message: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly actor: Readonly<Record<string, unknown>>
  readonly api: Readonly<Record<string, unknown>>
  readonly src_endpoint: Readonly<Record<string, unknown>>
  readonly device: Readonly<Record<string, unknown>>
  readonly resources?: readonly Readonly<Record<string, unknown>>[]
  readonly trace?: Readonly<Record<string, unknown>>
  /** SHA-256 and length of the record's line in a segment: ties the event to the trail. */
  readonly raw_data_hash: Readonly<Record<string, unknown>>
  readonly raw_data_size: number
  /** Members of the record without an OCSF attribute. */
  readonly unmapped: Readonly<Record<string, unknown>>
}

const ids = { create: 1, read: 2, update: 3, delete: 4, login: 99, other: 99 } as const satisfies Record<Activity, number>
const names = { 1: 'Create', 2: 'Read', 3: 'Update', 4: 'Delete' }
const severities = { 1: 'Informational', 2: 'Low', 3: 'Medium', 4: 'High' }
const statuses = { 0: 'Unknown', 1: 'Success', 2: 'Failure' }

/**
 * Maps a record to the Open Cybersecurity Schema Framework: API Activity, version 1.8.0.
 * `metadata.sequence` and `metadata.log_name` are its number and trail, so that a gap shows.
 * `raw_data_hash` is the SHA-256 of its line in a segment, so that `verifyAuditTrail` vouches for
 * the event too. Throws `INVALID_ARGUMENT` for anything but a record.
 *
 * @example
 * import { toOcsf } from '@finchat/secrets-audit/siem'
 *
 * const event = toOcsf({
 *   v: 1, trail: 't', seq: 1, host: 'web-1', pid: 4711, service: 'shop', release: '1.0.0',
 *   phase: 'outcome', operation: 'get', outcome: 'ok', name: 'FINCHAT_TOKEN', provider: 'aws', time: 1640995200000, actor: 'webapp',
 * })
 * console.log(event.class_uid, event.type_name, event.status) // 6003 API Activity: Read Success
 */
export function toOcsf(record: AuditRecord): OcsfEvent {
  assertRecord(record)
  const { time, code, durationMs, traceId } = record
  const { sha256, bytes } = recordDigest(record)
  return {
    ...classification(record),
    time,
    message: humanLine(record),
    metadata: metadataOf(record),
    ...parties(record),
    raw_data_hash: fingerprint(sha256),
    raw_data_size: bytes,
    unmapped: unmappedOf(record),
    ...defined({
      status_code: code,
      duration: durationMs === undefined ? undefined : Math.round(durationMs),
      trace: traceId === undefined ? undefined : { uid: traceId },
    }),
  }
}

type Classification = Pick<
  OcsfEvent,
  | 'category_uid'
  | 'category_name'
  | 'class_uid'
  | 'class_name'
  | 'activity_id'
  | 'activity_name'
  | 'type_uid'
  | 'type_name'
  | 'severity_id'
  | 'severity'
  | 'status_id'
  | 'status'
>

function classification(record: AuditRecord): Classification {
  const activity_id = ids[activityOf(record.operation)]
  const activity_name = activity_id === 99 ? record.operation : names[activity_id]
  const severity_id = severityIdOf(record)
  const status_id = record.outcome === undefined ? 0 : record.outcome === 'ok' ? 1 : 2
  return {
    ...({ category_uid: 6, category_name: 'Application Activity', class_uid: 6003, class_name: 'API Activity' } as const),
    activity_id,
    activity_name,
    type_uid: 600_300 + activity_id,
    type_name: `API Activity: ${activity_id === 99 ? 'Other' : activity_name}`,
    severity_id,
    severity: severities[severity_id],
    status_id,
    status: statuses[status_id],
  }
}

function severityIdOf({ operation, outcome, code }: AuditRecord): OcsfEvent['severity_id'] {
  if (operation === 'gap' || code === 'INTEGRITY') return 4
  if (denialsAndAlterations.includes(code)) return 3
  return outcome === 'error' ? 2 : 1
}

function metadataOf({ trail, seq, release, requestId, operation, traceId }: AuditRecord): OcsfEvent['metadata'] {
  return defined({
    version: '1.8.0',
    product: { name: '@finchat/secrets-audit', vendor_name: 'FinChat', version: release },
    profiles: traceId === undefined ? ['host'] : ['host', 'trace'],
    uid: `${trail}:${seq}`,
    sequence: seq,
    log_name: trail,
    event_code: operation,
    correlation_uid: requestId,
  })
}

function parties(record: AuditRecord): Pick<OcsfEvent, 'actor' | 'api' | 'src_endpoint' | 'device' | 'resources'> {
  const { actor, service, pid, operation, provider, requestId, host, name, version, code } = record
  return {
    actor: defined({ user: actor === undefined ? undefined : { name: actor }, app_name: service, process: { pid } }),
    api: defined({
      operation,
      service: provider === undefined ? undefined : { name: provider },
      request: requestId === undefined ? undefined : { uid: requestId },
      response: code === undefined ? undefined : { error: code },
    }),
    src_endpoint: { hostname: host, svc_name: service },
    device: { hostname: host, type_id: 0 },
    ...(name !== '' && { resources: [defined({ name, type: 'Secret', version: version === undefined ? undefined : String(version) })] }),
  }
}

function unmappedOf(record: AuditRecord): OcsfEvent['unmapped'] {
  const { phase, revision, from, degraded, stale, matched, spanId, method, missed, missedFrom, checkpoint } = record
  return defined({ phase, revision, from, degraded, stale, matched, span_id: spanId, method, missed, missed_from: missedFrom, checkpoint })
}

/** A SHA-256, hex. */
function fingerprint(sha256: string): Readonly<Record<string, unknown>> {
  return { algorithm_id: 3, algorithm: 'SHA-256', value: sha256 }
}
