import type { AuditRecord } from '@finchat/secrets-core'

/**
 * A record as one line for people, in printable ASCII, without a line break. `source` is the
 * provider, `timestamp` is in seconds since 1970, `user` is the actor; `-` is unknown. Anything but
 * a successful read adds members: the operation, an intent, the error's code, a degraded or stale
 * answer. A value that is not a plain name is quoted with JSON's escapes, so that it cannot end the
 * line or pass for another member.
 *
 * @example
 * import { humanLine } from '@finchat/secrets-audit'
 *
 * const line = humanLine({
 *   v: 1, trail: 't', seq: 1, host: 'web-1', pid: 4711, service: 'shop', release: '1.0.0',
 *   phase: 'outcome', operation: 'get', outcome: 'ok', name: 'FINCHAT_TOKEN', provider: 'aws', time: 1640995200000, actor: 'webapp',
 * })
 * console.log(line) // Secret access: name=FINCHAT_TOKEN, source=aws, timestamp=1640995200, user=webapp
 */
export function humanLine(record: AuditRecord): string {
  const { name, provider, time, actor } = record
  const members = { name, source: provider, timestamp: String(Math.floor(time / 1000)), user: actor }
  const texts = [...Object.entries(members), ...beyondARead(record)]
  return `Secret access: ${texts.map(([member, value]) => `${member}=${printable(value)}`).join(', ')}`
}

function beyondARead({ operation, phase, code, matched, degraded, stale, missed, checkpoint }: AuditRecord): [string, string][] {
  const further = {
    operation: operation === 'get' ? undefined : operation,
    phase: phase === 'intent' ? phase : undefined,
    error: code,
    matched,
    degraded: degraded ? 'yes' : undefined,
    stale: stale ? 'yes' : undefined,
    missed: missed === undefined ? undefined : String(missed),
    checkpoint,
  }
  return Object.entries(further).filter((entry): entry is [string, string] => entry[1] !== undefined)
}

export type Severity = 'info' | 'warn' | 'error'

/** `error` for a gap, `warn` for a failure, `info` otherwise. */
export function severityOf({ operation, outcome }: AuditRecord): Severity {
  if (operation === 'gap') return 'error'
  return outcome === 'error' ? 'warn' : 'info'
}

/** Characters of logical names, actors and paths. */
const bare = /^[A-Za-z0-9/_+=.@:#*-]+$/

/** Unknown. The text `-` itself is quoted. */
const absent = '-'

/** A value in printable ASCII, quoted unless it is plain. Different values stay different. */
function printable(value: string | undefined): string {
  if (value === undefined) return absent
  return bare.test(value) && value !== absent ? value : asciiJson(value)
}

/** JSON in printable ASCII: line breaks, escape sequences and direction marks are escaped. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
