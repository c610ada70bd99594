import { type NewSecret, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import { limits } from '../shared/limits.ts'
import { emptyNode } from './version-node.ts'

/** What kind of value is sealed: text or bytes, and whether the text is a map of fields. */
export const binaryKind = 1
export const mapKind = 2

/** One version of a secret, all but its value. */
export interface VersionRecord {
  readonly version: number
  /** Random, never used twice: the identity of this content. It survives re-encryption. */
  readonly revision: string
  /** The key that sealed the value. */
  readonly keyId: string
  readonly kind: number
  readonly createdAt: number
  /** Absent while it is pending. */
  readonly currentSince: number | undefined
  /** Nonce and tag of the sealed value, which tie the index to this ciphertext and no other. */
  readonly seal: Buffer
}

/** One secret, all but its values. What the authenticated index covers, and what every operation is a step between. */
export interface SecretRecord {
  readonly path: string
  /** The highest number ever used, by versions that were pruned or purged too. */
  readonly lastVersion: number
  /** Absent: there is no such secret (purged, or nothing was promoted yet). */
  readonly current: number | undefined
  readonly previous: number | undefined
  readonly pending: number | undefined
  /** The tombstone: when the secret was withdrawn. */
  readonly deletedAt: number | undefined
  readonly tags: Readonly<Record<string, string>>
  /** How many versions are held, the pending one included. */
  readonly count: number
  /** The root of the tree of their digests. */
  readonly root: Buffer
}

export function emptyRecord(path: string): SecretRecord {
  const absent = { current: undefined, previous: undefined, pending: undefined, deletedAt: undefined }
  return { path, lastVersion: 0, ...absent, tags: {}, count: 0, root: emptyNode }
}

/** How many of the held versions are or were current. */
export function releasedCount({ count, pending }: SecretRecord): number {
  return pending === undefined ? count : count - 1
}

/** The same record, unless the secret was withdrawn: then `DELETED`. */
export function live<T extends SecretRecord | undefined>(record: T): T {
  if (record?.deletedAt === undefined) return record
  throw new SecretsError('DELETED', 'the secret was deleted', { remedy: 'restore it, or purge it for good' })
}

/** The secret, which must exist: `NOT_FOUND` and `DELETED` otherwise. */
export function existing(record: SecretRecord | undefined): SecretRecord {
  if (record && record.current !== undefined) return record
  throw new SecretsError('NOT_FOUND', 'there is no such secret in the local store')
}

/**
 * The number that a write creates. Throws `VERSION_CONFLICT` if what the writer asked for or relied
 * on does not hold.
 */
export function numberFor(
  record: SecretRecord,
  { version, ifCurrent }: Pick<NewSecret, 'version' | 'ifCurrent'>,
  current: () => VersionRecord | undefined,
): number {
  const next = record.lastVersion + 1
  if (ifCurrent !== undefined) refuseUnlessCurrent(current(), ifCurrent, next)
  if (version !== undefined && version < next) {
    throw conflict(`version ${version} is not above ${record.lastVersion}, the highest that was ever used; the next is ${next}`)
  }
  if (next > limits.version) throw conflict('every version number is used up')
  return version ?? next
}

function refuseUnlessCurrent(current: VersionRecord | undefined, ifCurrent: WriteReceipt | null, next: number): void {
  if (ifCurrent === null) {
    if (current) throw conflict(`the secret exists already, as version ${current.version}; the next is ${next}`)
  } else if (!current || !matches(current, ifCurrent)) {
    throw conflict(`the current version is ${current ? `now ${current.version}` : 'gone'}; the next is ${next}`)
  }
}

/** Whether this is the version that a receipt speaks of, by everything that the receipt says; one that says nothing speaks of none. */
function matches(version: VersionRecord, receipt: WriteReceipt): boolean {
  if (receipt.version === undefined && receipt.revision === undefined) return false
  return (receipt.version ?? version.version) === version.version && (receipt.revision ?? version.revision) === version.revision
}

/** With a new version that is current; the one before becomes the previous. */
export function withCurrent(record: SecretRecord, version: number): SecretRecord {
  return { ...record, lastVersion: version, current: version, previous: record.current }
}

/** With a new version that waits to be promoted. A pending one is never replaced: it may be in use at its target already. */
export function withPending(record: SecretRecord, version: number): SecretRecord {
  if (record.pending !== undefined) throw conflict(`version ${record.pending} is pending already`, 'promote it or discard it')
  return { ...record, lastVersion: version, pending: version }
}

/** With the pending version made current, unless one was written since. */
export function promoted(record: SecretRecord, pending: number): SecretRecord {
  if (record.current !== undefined && record.current > pending) {
    throw conflict(`version ${record.current} was written after the pending ${pending}`, 'discard it and stage again')
  }
  return { ...record, current: pending, previous: record.current, pending: undefined }
}

export function discarded(record: SecretRecord): SecretRecord {
  return { ...record, pending: undefined }
}

/** The pending version. Throws `VERSION_CONFLICT` unless the receipt names it. */
export function assertPending(pending: VersionRecord | undefined, receipt: WriteReceipt): VersionRecord {
  if (pending && matches(pending, receipt)) return pending
  if (!pending) throw conflict('no version is pending')
  throw conflict(`the pending version is ${pending.version}`, 'pass the receipt that staging.put or staging.get returned')
}

export function tombstoned(record: SecretRecord, now: number): SecretRecord {
  return { ...record, deletedAt: record.deletedAt ?? now }
}

/** Nothing but the memory of which numbers were used. */
export function purged({ path, lastVersion }: SecretRecord): SecretRecord {
  return { ...emptyRecord(path), lastVersion }
}

export function restored(record: SecretRecord): SecretRecord {
  return record.deletedAt === undefined ? record : { ...record, deletedAt: undefined }
}

function conflict(problem: string, remedy = 'read the current version and decide again'): SecretsError {
  return new SecretsError('VERSION_CONFLICT', problem, { remedy })
}

/** As far as a `Date` reaches. */
export const latestTime = 8.64e15

/** The time for a row: whole milliseconds within what is read back, whatever the clock says. */
export function timestamp(): number {
  const now = Math.trunc(Date.now())
  return Number.isNaN(now) ? 0 : Math.min(Math.max(now, 0), latestTime)
}
