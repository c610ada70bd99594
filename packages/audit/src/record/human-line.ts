import type { AuditRecord } from '@finchat/secrets-core'
import { printable } from './printable.ts'

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
