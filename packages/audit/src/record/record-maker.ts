import { hostname } from 'node:os'
import { basename } from 'node:path'
import type { AuditEvent, AuditRecord } from '@finchat/secrets-core'
import { loadCrypto } from '@finchat/secrets-core/provider'
import { activeSpan } from './active-span.ts'
import { currentContext } from './audit-context.ts'
import type { NameKeys } from './name-keys.ts'
import { release } from './release.ts'
import { flagOf, numberOf, textOf, timeOf, wordOf } from './record-text.ts'

/** What a record may hold beyond core's event. */
export interface TrailEvent extends AuditEvent {
  readonly method?: string | undefined
}

/** Records that one sink did not acknowledge. */
export interface Gap {
  readonly from: number
  readonly to: number
  readonly missed: number
}

export interface RecordMakerOptions {
  readonly service: string | undefined
  readonly hashName: ((name: string) => string) | undefined
  /** Seals names. */
  readonly sealing?: NameSealing | undefined
}

/** Members whose names are sealed under keys that can be erased. */
export interface NameSealing {
  readonly keys: NameKeys
  readonly of: ReadonlySet<'actor' | 'name'>
}

type Origin = Pick<AuditRecord, 'trail' | 'host' | 'pid' | 'service' | 'release'>

/** Makes a trail's records: numbers them, and adds the caller's context. */
export class RecordMaker {
  readonly #origin: Origin
  readonly #hashName: RecordMakerOptions['hashName']
  readonly #sealing: NameSealing | undefined
  #seq = 0

  constructor({ service, hashName, sealing }: RecordMakerOptions) {
    this.#origin = {
      trail: loadCrypto().randomUUID(),
      host: hostname(),
      pid: process.pid,
      service: service ?? programName(),
      release,
    }
    this.#hashName = hashName
    this.#sealing = sealing
  }

  /** Throws `AUDIT_FAILED` if a name cannot be sealed; then no number is used up. */
  record(event: TrailEvent): AuditRecord {
    const context = currentContext()
    const span = activeSpan()
    const name = this.#nameOf(event.name)
    const actor = this.#sealed('actor', textOf(event.actor ?? context?.actor))
    return recordOf(this.#origin, ++this.#seq, event, {
      name,
      actor,
      requestId: textOf(event.requestId ?? context?.requestId),
      traceId: span?.traceId,
      spanId: span?.spanId,
    })
  }

  /** Takes the number of the last record it stands for. */
  gap({ from, to, missed }: Gap): AuditRecord {
    const event = { phase: 'outcome', time: Date.now(), operation: 'gap', name: '' } as const
    return recordOf(this.#origin, to, event, { name: '', missed, missedFrom: from })
  }

  /** Carries a checkpoint to a sink. */
  checkpoint(checkpoint: string): AuditRecord {
    const event = { phase: 'outcome', time: Date.now(), operation: 'checkpoint', name: '' } as const
    return recordOf(this.#origin, ++this.#seq, event, { name: '', checkpoint })
  }

  #sealed<Text extends string | undefined>(member: 'actor' | 'name', text: Text): Text | string {
    if (text === undefined || text === '' || text === '*' || this.#sealing?.of.has(member) !== true) return text
    return this.#sealing.keys.seal(text)
  }

  #nameOf(name: unknown): string {
    const text = textOf(name) ?? ''
    if (this.#sealing?.of.has('name') === true) return this.#sealed('name', text)
    return text === '' || text === '*' ? text : (this.#hashName?.(text) ?? text)
  }
}

type Added = Pick<AuditRecord, 'name' | 'actor' | 'requestId' | 'traceId' | 'spanId' | 'missed' | 'missedFrom' | 'checkpoint'>

/**
 * Copies known members only, each checked. They stand in canonical order (RFC 8785), so that
 * writing a record needs no sorting.
 */
function recordOf(origin: Origin, seq: number, event: TrailEvent, added: Added): AuditRecord {
  return Object.freeze<AuditRecord>({
    actor: added.actor,
    checkpoint: added.checkpoint,
    code: textOf(event.code) as AuditRecord['code'], // a later core may know more codes
    degraded: flagOf(event.degraded),
    durationMs: numberOf(event.durationMs),
    from: wordOf(event.from, ['memory', 'shared', 'store']),
    host: origin.host,
    matched: wordOf(event.matched, ['current', 'previous', 'none']),
    method: textOf(event.method),
    missed: added.missed,
    missedFrom: added.missedFrom,
    name: added.name,
    operation: textOf(event.operation) ?? '',
    outcome: wordOf(event.outcome, ['ok', 'error']),
    phase: event.phase === 'intent' ? 'intent' : 'outcome',
    pid: origin.pid,
    provider: textOf(event.provider),
    release: origin.release,
    requestId: added.requestId,
    revision: textOf(event.revision),
    seq,
    service: origin.service,
    spanId: added.spanId,
    stale: flagOf(event.stale),
    time: timeOf(event.time),
    traceId: added.traceId,
    trail: origin.trail,
    v: 1,
    version: numberOf(event.version),
  })
}

function programName(): string {
  return textOf(basename(process.argv[1] ?? process.title)) ?? ''
}
