import { type NewSecret, SecretsError, type StagedSecret, type WriteReceipt } from '@finchat/secrets-core'
import { matchesReceipt } from '@finchat/secrets-core/provider'
import { limits } from '../shared/limits.ts'
import { emptyNode } from './version-node.ts'

/** Bits of `VersionRecord.kind`: bytes rather than text; text that is a map of fields. */
export const binaryKind = 1
export const mapKind = 2

/** One version without its value. */
export interface VersionRecord {
  readonly version: number
  /** Random and unique: identifies this content, also after re-encryption. */
  readonly revision: string
  /** Id of the key that sealed the value. */
  readonly keyId: string
  readonly kind: number
  readonly createdAt: number
  /** Undefined while the version is pending. */
  readonly currentSince: number | undefined
  /** Of a pending version: who staged it and by which plan. */
  readonly note?: StagedSecret['note']
  /** Nonce and tag of the sealed value. They bind the index to this ciphertext. */
  readonly seal: Buffer
}

/** One secret without its values. Every operation maps one record to the next. */
export interface SecretRecord {
  readonly path: string
  /** The highest number ever used, pruned and purged versions included. */
  readonly lastVersion: number
  /** Undefined if the secret was purged or nothing was promoted yet. */
  readonly current: number | undefined
  readonly previous: number | undefined
  readonly pending: number | undefined
  /** The last version that was discarded, so that a repeated call is known. */
  readonly discarded: WriteReceipt | undefined
  /** When the secret was deleted. */
  readonly deletedAt: number | undefined
  readonly tags: Readonly<Record<string, string>>
  /** Stored versions, the pending one included. */
  readonly count: number
  /** Root of the version tree. */
  readonly root: Buffer
}

export function emptyRecord(path: string): SecretRecord {
  const absent = { current: undefined, previous: undefined, pending: undefined, discarded: undefined, deletedAt: undefined }
  return { path, lastVersion: 0, ...absent, tags: {}, count: 0, root: emptyNode }
}

/** Stored versions without the pending one. */
export function releasedCount({ count, pending }: SecretRecord): number {
  return pending === undefined ? count : count - 1
}

/** Throws `DELETED` for a deleted secret. */
export function live<T extends SecretRecord | undefined>(record: T): T {
  if (record?.deletedAt === undefined) return record
  throw new SecretsError('DELETED', 'the secret was deleted', { remedy: 'restore it, or purge it for good' })
}

/** Throws `NOT_FOUND` unless there is a current version. */
export function existing(record: SecretRecord | undefined): SecretRecord {
  if (record && record.current !== undefined) return record
  throw new SecretsError('NOT_FOUND', 'there is no such secret in the local store')
}

/**
 * The next version number. Throws `VERSION_CONFLICT` if `version` was used or `ifCurrent` does not
 * hold.
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

/** Throws `VERSION_CONFLICT`. */
export function refuseUnlessCurrent(current: VersionRecord | undefined, ifCurrent: WriteReceipt | null, next: number): void {
  if (ifCurrent === null) {
    if (current) throw conflict(`the secret exists already, as version ${current.version}; the next is ${next}`)
  } else if (!current || !matchesReceipt(ifCurrent, current)) {
    throw conflict(`the current version is ${current ? `now ${current.version}` : 'gone'}; the next is ${next}`)
  }
}

/** Adds a current version; the one before becomes `previous`. */
export function withCurrent(record: SecretRecord, version: number): SecretRecord {
  return { ...record, lastVersion: version, current: version, previous: record.current }
}

/**
 * Adds a pending version. A pending one is never replaced: its value may be set at the target
 * already.
 */
export function withPending(record: SecretRecord, version: number): SecretRecord {
  if (record.pending !== undefined) throw conflict(`version ${record.pending} is pending already`, 'promote it or discard it')
  return { ...record, lastVersion: version, pending: version }
}

/** Promotes the pending version, unless a newer one was written since. */
export function promoted(record: SecretRecord, pending: number): SecretRecord {
  if (record.current !== undefined && record.current > pending) {
    throw conflict(`version ${record.current} was written after the pending ${pending}`, 'discard it and stage again')
  }
  return { ...record, current: pending, previous: record.current, pending: undefined }
}

export function discarded(record: SecretRecord, { version, revision }: WriteReceipt): SecretRecord {
  return { ...record, pending: undefined, discarded: { version, revision } }
}

/** Throws `VERSION_CONFLICT` unless the receipt matches the pending version. */
export function assertPending(pending: VersionRecord | undefined, receipt: WriteReceipt): VersionRecord {
  if (pending && matchesReceipt(receipt, pending)) return pending
  if (!pending) throw conflict('no version is pending')
  throw conflict(`the pending version is ${pending.version}`, 'pass the receipt that staging.put or staging.get returned')
}

export function tombstoned(record: SecretRecord, now: number): SecretRecord {
  return { ...record, deletedAt: record.deletedAt ?? now }
}

/** Keeps only which numbers were used. */
export function purged({ path, lastVersion }: SecretRecord): SecretRecord {
  return { ...emptyRecord(path), lastVersion }
}

export function restored(record: SecretRecord): SecretRecord {
  return record.deletedAt === undefined ? record : { ...record, deletedAt: undefined }
}

function conflict(problem: string, remedy = 'read the current version and decide again'): SecretsError {
  return new SecretsError('VERSION_CONFLICT', problem, { remedy })
}

/** The limit of `Date`. */
export const latestTime = 8.64e15

/** Whole milliseconds within `Date`'s range, whatever the clock returns. */
export function timestamp(): number {
  const now = Math.trunc(Date.now())
  return Number.isNaN(now) ? 0 : Math.min(Math.max(now, 0), latestTime)
}
