import { invalidArgument } from '@finchat/secrets-core/provider'

/** What a record of an audit trail tells of one use: an `AuditRecord` has more. */
export interface UseRecord {
  readonly phase: string
  readonly operation: string
  readonly name: string
  readonly time: number
  readonly outcome?: string | undefined
  readonly version?: number | undefined
  readonly revision?: string | undefined
  readonly host?: string | undefined
  readonly actor?: string | undefined
}

/** Records from a file or from memory. */
export type UseRecords = Iterable<UseRecord> | AsyncIterable<UseRecord>

/** When somebody last read one version of a secret. */
export interface LastUse {
  readonly version?: number | undefined
  readonly revision?: string | undefined
  readonly host?: string | undefined
  readonly actor?: string | undefined
  /** Epoch milliseconds of that host. */
  readonly lastUsedAt: number
  readonly reads: number
}

/**
 * Returns who last read which version of a secret, the latest first, from the records of an audit
 * trail. With `hashNames`, pass the name as the trail has it. The reads of rotators are in it too:
 * leave them out by their actor. Throws `INVALID_ARGUMENT` if the records are not iterable.
 *
 * @example
 * import { lastUses } from '@finchat/secrets-rotation'
 *
 * const read = { phase: 'outcome', operation: 'get', outcome: 'ok', name: 'db', host: 'web-1' } as const
 * const records = [{ ...read, version: 1, time: 1_000 }, { ...read, version: 2, time: 2_000 }] // in production: readAuditRecords(folder)
 * console.log((await lastUses(records, 'db')).map(({ version, lastUsedAt }) => [version, lastUsedAt])) // [ [ 2, 2000 ], [ 1, 1000 ] ]
 */
export async function lastUses(records: UseRecords, name: string): Promise<readonly LastUse[]> {
  assertIterable(records)
  const uses = new Map<string, LastUse>()
  for await (const record of records) {
    if (record.name !== name || !isRead(record)) continue
    const { version, revision, host, actor, time } = record
    const id = JSON.stringify([version, revision, host, actor])
    const known = uses.get(id)
    const lastUsedAt = Math.max(time, known?.lastUsedAt ?? time)
    uses.set(id, { version, revision, host, actor, lastUsedAt, reads: (known?.reads ?? 0) + 1 })
  }
  return [...uses.values()].toSorted((one, other) => other.lastUsedAt - one.lastUsedAt)
}

function isRead({ phase, operation, outcome }: UseRecord): boolean {
  return phase === 'outcome' && operation === 'get' && outcome === 'ok'
}

function assertIterable(records: unknown): void {
  if (typeof records === 'object' && records !== null && (Symbol.asyncIterator in records || Symbol.iterator in records)) return
  throw invalidArgument('the records are not iterable', 'pass readAuditRecords(folder) of the audit package, or an array')
}
