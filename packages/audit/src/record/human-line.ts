import type { AuditRecord } from '@finchat/secrets-core'

/**
 * A record as one line for people, without a line break at its end, in printable ASCII. `source` is the provider, `timestamp` is in seconds
 * since 1970, `user` the actor; `-` is what is not known. What is more than a read that succeeded says more behind: the operation, an
 * intent, the error's code, a degraded or stale answer. A value that is no plain name stands in quotes with the escapes of JSON, so that no
 * name can end the line or pass for another member.
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

/** How loud a record is where things have a level: `warn` for what failed, `error` for records that went missing, `info` for the rest. */
export function severityOf({ operation, outcome }: AuditRecord): Severity {
  if (operation === 'gap') return 'error'
  return outcome === 'error' ? 'warn' : 'info'
}

/** What stands in a line as it is: the characters of logical names, and a few that actors and paths have. */
const bare = /^[A-Za-z0-9/_+=.@:#*-]+$/

/** Stands for what is not known; the text `-` itself stands in quotes. */
const absent = '-'

/**
 * A value of the human line, in printable ASCII: as it is, or in quotes with the escapes of JSON, so that it can neither end the line, nor
 * look like another member, nor reach the terminal. Two values that differ differ here too.
 */
function printable(value: string | undefined): string {
  if (value === undefined) return absent
  return bare.test(value) && value !== absent ? value : asciiJson(value)
}

/** JSON of nothing but printable ASCII: no line break, escape sequence, direction mark or lone surrogate of any text stands in it as such. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
