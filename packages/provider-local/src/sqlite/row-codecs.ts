import { sealLength } from '@finchat/secrets-core/sealing'
import { altered, bounded, boundedOnly, bytes, integer, plainBytes, type Row, text } from './columns.ts'
import { mostRetired, type WrappedKey } from '../keys/keyring.ts'
import { keyLength } from '../keys/key-bytes.ts'
import { limits } from '../shared/limits.ts'
import { bucketCount, digestLength } from '../record/tree-shape.ts'
import type { Placed } from '../record/tree-shape.ts'
import type { SecretRecord, VersionRecord } from '../record/secret-record.ts'
import { idLength, saltLength, scryptBounds, type StoreHeader } from '../keys/store-header.ts'
import { emptyNode, mostNodeBytes } from '../record/version-node.ts'

/** 32 bytes in base64url. */
const keyIdLength = 43
const wrappedLength = sealLength + keyLength
const retiredBytes = sealLength + mostRetired * keyLength
/** A UTF-16 unit is at most three bytes of UTF-8, and at most six as JSON. */
const pathBytes = 3 * limits.pathLength
const tagsBytes = 2 + limits.tags * (6 * (limits.tagKeyLength + limits.tagValueLength) + 6)
/** Beside the tags a few numbers, of a version a revision and the name of a key. */
const factsBytes = tagsBytes + 200
const sealedBytes = sealLength + limits.valueBytes

/** What to select so that the functions below can read it: no column is loaded that is longer than what we ever write. */
export const columns: Readonly<
  Record<'header' | 'key' | 'retired' | 'root' | 'buckets' | 'placed' | 'record' | 'version' | 'node' | 'sealed', string>
> = {
  header: `${bounded('store_id', idLength)}, ${bounded('salt', saltLength)}, scrypt_log2n, scrypt_r, scrypt_p`,
  key: `${bounded('key_id', keyIdLength)}, ${bounded('wrapped', wrappedLength)}`,
  retired: bounded('retired', retiredBytes),
  root: `changes, ${bounded('mac', digestLength)}`,
  buckets: bounded('buckets', bucketCount * digestLength),
  placed: `leaf, ${bounded('path', pathBytes)}, ${bounded('digest', digestLength)}`,
  record: `${bounded('facts', factsBytes)}, ${boundedOnly('sealed', mostNodeBytes)} AS node`,
  version: `version, ${bounded('facts', factsBytes)}, substr(${boundedOnly('sealed', sealedBytes)}, 1, ${sealLength}) AS seal`,
  node: `${boundedOnly('sealed', mostNodeBytes)} AS node`,
  sealed: bounded('sealed', sealedBytes),
}

export function headerFrom(row: Row): StoreHeader {
  const cost = (column: string, [least, most]: readonly [number, number]): number => integer(row[column], least, most)
  const scrypt = {
    log2N: cost('scrypt_log2n', scryptBounds.log2N),
    r: cost('scrypt_r', scryptBounds.r),
    p: cost('scrypt_p', scryptBounds.p),
  }
  if (2 ** scrypt.log2N * scrypt.p > scryptBounds.mostNTimesP) throw altered()
  return { storeId: bytes(row['store_id'], idLength), salt: bytes(row['salt'], saltLength), scrypt }
}

export function keyFrom(row: Row): WrappedKey {
  return { keyId: text(row['key_id']), wrapped: bytes(row['wrapped'], wrappedLength) }
}

export function rootFrom(row: Row): { changes: number; mac: Buffer } {
  return { changes: integer(row['changes'], 0, Number.MAX_SAFE_INTEGER - 1), mac: bytes(row['mac'], digestLength) }
}

export function bucketsFrom(row: Row): Buffer {
  return bytes(row['buckets'], bucketCount * digestLength)
}

export function placedFrom(row: Row): Placed {
  return { leaf: integer(row['leaf'], 0, Number.MAX_SAFE_INTEGER), digest: plainBytes(row['digest'], digestLength) }
}

export function recordRowFrom(row: Row): RecordRow {
  return { facts: text(row['facts']), root: nodeFrom(row) }
}

export function versionRowFrom(row: Row): VersionRow {
  return {
    version: integer(row['version'], 1, limits.version),
    facts: text(row['facts']),
    seal: bytes(row['seal'], sealLength),
  }
}

/** A root without versions may be stored as nothing at all. */
export function nodeFrom(row: Row): Buffer {
  return row['node'] === null ? emptyNode : bytes(row['node'])
}

/** A secret's own row: facts, which are authenticated before they are parsed, and its root. */
export interface RecordRow {
  readonly facts: string
  readonly root: Buffer
}

export interface VersionRow extends Pick<VersionRecord, 'version' | 'seal'> {
  readonly facts: string
}

/** JSON has no `undefined`. */
type Optional = number | null
type SecretFacts = readonly [
  lastVersion: number,
  current: Optional,
  previous: Optional,
  pending: Optional,
  deletedAt: Optional,
  tags: SecretRecord['tags'],
  count: number,
]
type VersionFacts = readonly [revision: string, keyId: string, kind: number, createdAt: number, currentSince: Optional]

export function rowOf(record: SecretRecord): RecordRow {
  const { lastVersion, current, previous, pending, deletedAt, tags, count, root } = record
  const facts: SecretFacts = [lastVersion, current ?? null, previous ?? null, pending ?? null, deletedAt ?? null, tags, count]
  return { facts: JSON.stringify(facts), root }
}

/** The secret of an authentic row, which the function above has written. */
export function recordOf(path: string, { facts, root }: RecordRow): SecretRecord {
  const [lastVersion, current, previous, pending, deletedAt, tags, count] = JSON.parse(facts) as SecretFacts // authentic
  return {
    path,
    lastVersion,
    current: current ?? undefined,
    previous: previous ?? undefined,
    pending: pending ?? undefined,
    deletedAt: deletedAt ?? undefined,
    tags,
    count,
    root,
  }
}

export function versionRowOf(version: VersionRecord): VersionRow {
  const { revision, keyId, kind, createdAt, currentSince } = version
  const facts: VersionFacts = [revision, keyId, kind, createdAt, currentSince ?? null]
  return { version: version.version, facts: JSON.stringify(facts), seal: version.seal }
}

/** The version that an authentic row speaks of. */
export function versionRecordOf({ version, facts, seal }: VersionRow): VersionRecord {
  const [revision, keyId, kind, createdAt, currentSince] = JSON.parse(facts) as VersionFacts // authentic
  return { version, revision, keyId, kind, createdAt, currentSince: currentSince ?? undefined, seal }
}
