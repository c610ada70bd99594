import type { AuditRecord } from '@finchat/secrets-core'
import { knownOptions, type MembersOf, SecretsError } from '@finchat/secrets-core/provider'

/** Which records to return: those that match every member. */
export interface AuditQuery {
  /** A secret's name; a `*` at its end matches all names that begin so. */
  readonly name?: string | undefined
  readonly actor?: string | undefined
  readonly provider?: string | undefined
  /**
   * `get`, `rotate` and so on. Unknown ones match nothing, since a later release may record others.
   */
  readonly operation?: string | undefined
  readonly outcome?: 'ok' | 'error' | undefined
  /** From this time on, epoch milliseconds, such as `Date.parse('2026-11-01')`. */
  readonly from?: number | undefined
  /** Before this time, epoch milliseconds. */
  readonly until?: number | undefined
}

const members: MembersOf<AuditQuery> = {
  name: 'string',
  actor: 'string',
  provider: 'string',
  operation: 'string',
  outcome: 'string',
  from: 'any',
  until: 'any',
}

/** Records from a file or from memory. */
export type AuditRecords = Iterable<AuditRecord> | AsyncIterable<AuditRecord>

/**
 * Yields the records that match a query, in their order, as they are read. Throws
 * `INVALID_ARGUMENT` for an invalid query, or if `records` is not iterable.
 *
 * @example
 * import { queryRecords, readAuditRecords } from '@finchat/secrets-audit/report'
 * import { mkdir } from 'node:fs/promises'
 *
 * await mkdir('empty-trail')
 * let count = 0
 * for await (const _ of queryRecords(readAuditRecords('empty-trail'), { actor: 'webapp', outcome: 'error' })) count++
 * console.log(count) // 0
 */
export function queryRecords(records: AuditRecords, query: AuditQuery): AsyncGenerator<AuditRecord> {
  const matches = matcherOf(query)
  assertRecords(records)
  return matching(records, matches)
}

/**
 * Throws `INVALID_ARGUMENT` for a promise of records, or for text, whose characters would count as
 * records.
 */
export function assertRecords(records: unknown): void {
  if (typeof records === 'object' && records !== null && (Symbol.asyncIterator in records || Symbol.iterator in records)) return
  throw new SecretsError('INVALID_ARGUMENT', 'the records are not iterable', {
    remedy: 'pass readAuditRecords(folder), or what verifiedTrail hands to `read`',
  })
}

async function* matching(records: AuditRecords, matches: (record: AuditRecord) => boolean): AsyncGenerator<AuditRecord> {
  for await (const record of records) if (matches(record)) yield record
}

function matcherOf(query: AuditQuery): (record: AuditRecord) => boolean {
  const { name, from = -Infinity, until = Infinity, outcome, ...rest } = knownOptions(query, members, 'INVALID_ARGUMENT')
  if (outcome !== undefined && outcome !== 'ok' && outcome !== 'error') {
    throw new SecretsError('INVALID_ARGUMENT', '`outcome` is not known', { remedy: 'use ok or error' })
  }
  assertTime('from', from)
  assertTime('until', until)
  const { actor, provider, operation } = rest
  const isNamed = nameMatcher(name)
  return (record) =>
    isNamed(record.name) &&
    record.time >= from &&
    record.time < until &&
    (outcome ?? record.outcome) === record.outcome &&
    (actor ?? record.actor) === record.actor &&
    (provider ?? record.provider) === record.provider &&
    (operation ?? record.operation) === record.operation
}

function nameMatcher(asked: string | undefined): (name: string) => boolean {
  if (asked === undefined) return () => true
  return asked.endsWith('*') ? (name) => name.startsWith(asked.slice(0, -1)) : (name) => name === asked
}

/** Text, or the `NaN` of an invalid date, would silently match nothing. */
function assertTime(member: string, time: unknown): void {
  if (typeof time === 'number' && !Number.isNaN(time)) return
  throw new SecretsError('INVALID_ARGUMENT', `\`${member}\` is not a time`, {
    remedy: "pass epoch milliseconds, such as Date.parse('2026-11-01')",
  })
}
