import type { AuditEvent } from './audit.ts'
import type { CallContext } from './provider.ts'

/**
 * One entry of an audit trail, as sinks receive it: flat, versioned, never a value. What does not
 * apply is absent or `undefined`. Text is well-formed UTF-16 (a lone surrogate became U+FFFD) of at
 * most 16,384 characters (what was longer ends in `…sha256:` and the digest of the whole); it may
 * hold anything else, line breaks and escape sequences too: a sink that writes for people or lines
 * must encode it.
 *
 * `operation` is one of `get`, `verify`, `describe`, `list`, `health`, `store`, `rotate`, `delete`,
 * `restore`, `tag`, … of the manager; `login`, `renew`, `revoke` (of a provider's token), `lease`,
 * `renew-lease`, `revoke-lease`; `gap` and `checkpoint` of the trail itself. Others may be added.
 *
 * `name` is the secret's logical name; for `list` the prefix with `*`, for `health` `*`, for leases
 * the store's path; empty where no secret is meant. With `hashNames` it is `hmac:` and 32 hex
 * digits.
 */
export interface AuditRecord extends AuditEvent {
  /** The version of this format. Members may be added under 1; a changed meaning is 2. */
  readonly v: 1
  /** Identifies the trail: random, new for each `auditTrail()`. */
  readonly trail: string
  /**
   * Counts the trail's records from 1 without a gap, so that a gap in what a sink received is
   * visible. On a `gap`: the last record missed.
   */
  readonly seq: number
  readonly host: string
  readonly pid: number
  /** What runs: the option `service`, or the name of the program. */
  readonly service: string
  /** The version of the audit package that wrote this. */
  readonly release: string
  /** W3C trace context: 32 hex digits, of the OpenTelemetry span that was active. */
  readonly traceId?: string | undefined
  /** 16 hex digits. */
  readonly spanId?: string | undefined
  /** How a provider logs in: `approle`, `kubernetes`, … */
  readonly method?: string | undefined
  /**
   * On a `gap`: how many records this sink did not acknowledge. They may be on record all the same,
   * if it was only late.
   */
  readonly missed?: number | undefined
  /**
   * On a `gap`: the first record missed; `seq` is the last. Records between them that it
   * acknowledged do not count.
   */
  readonly missedFrom?: number | undefined
  /**
   * On a `checkpoint`: the signed state of a sealed trail, one line of JSON, to be kept where its
   * host cannot rewrite it.
   */
  readonly checkpoint?: string | undefined
}

/**
 * Where an audit trail's records go. A plain object; anyone can write one, and `testAuditSink` of
 * the testkit proves it.
 *
 * @example
 * import type { AuditSink } from '@finchat/secrets-core'
 *
 * const lines: string[] = []
 * const sink: AuditSink = {
 *   specificationVersion: 'v1',
 *   name: 'lines',
 *   write: async ({ seq, operation, name }) => void lines.push(JSON.stringify([seq, operation, name])),
 * }
 * console.log(sink.name, lines.length) // lines 0
 */
export interface AuditSink {
  readonly specificationVersion: 'v1'
  /** Stands in errors and warnings; unique in a trail. */
  readonly name: string
  /**
   * Acknowledged means that the record survives the end of the process and of the machine's power.
   * Such a sink is required by default.
   */
  readonly durable?: boolean | undefined
  /**
   * Resolves when the record is where it belongs: that is the acknowledgement which lets a value
   * leave. Rejects if it may not be there; which error does not matter, unless it is a
   * `SecretsError` with a remedy. Called again before earlier calls have settled, in the order of
   * `seq` (a `gap` excepted). Records are frozen. The signal is aborted when the trail no longer
   * waits.
   */
  readonly write: (record: AuditRecord, context: CallContext) => Promise<void>
  /**
   * Resolves when what was acknowledged is safe and nothing is held any more. May be called twice;
   * nothing is written after.
   */
  readonly close?: ((context: CallContext) => Promise<void>) | undefined
}
