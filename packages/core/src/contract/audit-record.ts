import type { AuditEvent } from './audit.ts'

/**
 * One record of an audit trail, as sinks receive it: flat, and never with a value. Members that do
 * not apply are absent or `undefined`.
 *
 * Text is well-formed UTF-16: a lone surrogate became U+FFFD. It has at most 16,384 characters;
 * longer text ends in `…sha256:` and the digest of the whole. It may hold line breaks and escape
 * sequences: encode it for people or lines.
 *
 * `operation` of the manager: an `AuditedOperation`. Of a provider: `login`, `renew`, `revoke`,
 * `lease`, `renew-lease`, `revoke-lease`. Of the trail: `gap`, `checkpoint`. Others may be added.
 *
 * `name` is the secret's logical name. It is the prefix and `*` for `list`, `*` for `health`, and
 * the store's path for leases; else empty. With `hashNames` it is `hmac:` and 32 hex digits.
 */
export interface AuditRecord extends AuditEvent {
  /** The format's version. Members may be added under 1; a changed meaning is 2. */
  readonly v: 1
  /** Random, new for each `auditTrail()`. */
  readonly trail: string
  /**
   * Counts from 1 without a gap, so that a sink sees which records it missed. On a `gap`: the last
   * one.
   */
  readonly seq: number
  readonly host: string
  readonly pid: number
  /** The option `service`, or the name of the program. */
  readonly service: string
  /** The version of the audit package. */
  readonly release: string
  /** W3C trace context of the active OpenTelemetry span, 32 hex digits. */
  readonly traceId?: string | undefined
  /** 16 hex digits. */
  readonly spanId?: string | undefined
  /** How a provider logs in, such as `approle`. */
  readonly method?: string | undefined
  /**
   * On a `gap`: how many records this sink did not acknowledge. It may hold them if it was only
   * late.
   */
  readonly missed?: number | undefined
  /** On a `gap`: the first record missed. Acknowledged records up to `seq` do not count. */
  readonly missedFrom?: number | undefined
  /**
   * On a `checkpoint`: the signed state of a sealed trail, one line of JSON. Keep it where its host
   * cannot rewrite it.
   */
  readonly checkpoint?: string | undefined
}
