import { sealLength } from '@finchat/secrets-core/sealing'
import { keyLength } from '../keys/key-bytes.ts'
import { maxRetired, type WrappedKey } from '../keys/key-table.ts'
import { idLength, saltLength, scryptBounds, type StoreHeader } from '../keys/store-header.ts'
import type { SecretRecord, VersionRecord } from '../record/secret-record.ts'
import { bucketCount, digestLength, type LeafEntry } from '../record/tree-shape.ts'
import { emptyNode, maxNodeBytes } from '../record/version-node.ts'
import { limits } from '../shared/limits.ts'
import { altered, bounded, boundedOnly, bytes, integer, plainBytes, type Row, text } from './columns.ts'

/** 32 bytes in base64url. */
const keyIdLength = 43
const wrappedLength = sealLength + keyLength
const retiredBytes = sealLength + maxRetired * keyLength
/** A UTF-16 unit takes at most three bytes as UTF-8 and six as JSON. */
const pathBytes = 3 * limits.pathLength
const tagsBytes = 2 + limits.tags * (6 * (limits.tagKeyLength + limits.tagValueLength) + 6)
/** Tags, a few numbers, a revision and a key id. */
const factsBytes = tagsBytes + 200
const sealedBytes = sealLength + limits.valueBytes

/** Columns to select for the functions below, each bounded by the longest value ever written. */
export const columns: Readonly<
  Record<'header' | 'key' | 'retired' | 'root' | 'buckets' | 'leafEntry' | 'record' | 'version' | 'node' | 'sealed', string>
> = {
  header: `${bounded('store_id', idLength)}, ${bounded('salt', saltLength)}, scrypt_log2n, scrypt_r, scrypt_p`,
  key: `${bounded('key_id', keyIdLength)}, ${bounded('wrapped', wrappedLength)}`,
  retired: bounded('retired', retiredBytes),
  root: `changes, ${bounded('mac', digestLength)}`,
  buckets: bounded('buckets', bucketCount * digestLength),
  leafEntry: `leaf, ${bounded('path', pathBytes)}, ${bounded('digest', digestLength)}`,
  record: `${bounded('facts', factsBytes)}, ${boundedOnly('sealed', maxNodeBytes)} AS node`,
  version: `version, ${bounded('facts', factsBytes)}, substr(${boundedOnly('sealed', sealedBytes)}, 1, ${sealLength}) AS seal`,
  node: `${boundedOnly('sealed', maxNodeBytes)} AS node`,
  sealed: bounded('sealed', sealedBytes),
}

export function headerFrom(row: Row): StoreHeader {
  const cost = (column: string, [least, most]: readonly [number, number]): number => integer(row[column], least, most)
  const scrypt = {
    log2N: cost('scrypt_log2n', scryptBounds.log2N),
    r: cost('scrypt_r', scryptBounds.r),
    p: cost('scrypt_p', scryptBounds.p),
  }
  if (2 ** scrypt.log2N * scrypt.p > scryptBounds.maxNTimesP) throw altered()
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

export function leafEntryFrom(row: Row): LeafEntry {
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

/** An empty root is stored as NULL. */
export function nodeFrom(row: Row): Buffer {
  return row['node'] === null ? emptyNode : bytes(row['node'])
}

/** `facts` is JSON, authenticated before it is parsed. */
export interface RecordRow {
  readonly facts: string
  readonly root: Buffer
}

export interface VersionRow extends Pick<VersionRecord, 'version' | 'seal'> {
  readonly facts: string
}

/** JSON has no `undefined`. */
type Optional = number | null
type SecretMetadata = readonly [
  lastVersion: number,
  current: Optional,
  previous: Optional,
  pending: Optional,
  deletedAt: Optional,
  tags: SecretRecord['tags'],
  count: number,
  /** Only after a discard, so that other records keep the text that they had. */
  discarded?: readonly [version: number, revision: string],
]
type VersionMetadata = readonly [
  revision: string,
  keyId: string,
  kind: number,
  createdAt: number,
  currentSince: Optional,
  note?: NonNullable<VersionRecord['note']>,
]

export function rowOf(record: SecretRecord): RecordRow {
  const { lastVersion, current, previous, pending, deletedAt, tags, count, root, discarded } = record
  const facts: SecretMetadata = [lastVersion, current ?? null, previous ?? null, pending ?? null, deletedAt ?? null, tags, count]
  const all = discarded ? [...facts, [discarded.version, discarded.revision]] : facts
  return { facts: JSON.stringify(all), root }
}

export function recordOf(path: string, { facts, root }: RecordRow): SecretRecord {
  // authenticated
  const [lastVersion, current, previous, pending, deletedAt, tags, count, discarded] = JSON.parse(facts) as SecretMetadata
  return {
    path,
    lastVersion,
    current: current ?? undefined,
    previous: previous ?? undefined,
    pending: pending ?? undefined,
    discarded: discarded && { version: discarded[0], revision: discarded[1] },
    deletedAt: deletedAt ?? undefined,
    tags,
    count,
    root,
  }
}

export function versionRowOf(version: VersionRecord): VersionRow {
  const { revision, keyId, kind, createdAt, currentSince, note } = version
  const plain: VersionMetadata = [revision, keyId, kind, createdAt, currentSince ?? null]
  const facts = note ? [...plain, note] : plain
  return { version: version.version, facts: JSON.stringify(facts), seal: version.seal }
}

export function versionRecordOf({ version, facts, seal }: VersionRow): VersionRecord {
  // authenticated
  const [revision, keyId, kind, createdAt, currentSince, note] = JSON.parse(facts) as VersionMetadata
  return { version, revision, keyId, kind, createdAt, currentSince: currentSince ?? undefined, note, seal }
}
