import { altered, bounded, boundedOnly, bytes, integer, optional, type Row, text } from './columns.ts'
import type { WrappedKey } from './keyring.ts'
import { limits } from './limits.ts'
import { isTags } from './new-secret.ts'
import { macLength } from './record-macs.ts'
import { sealLength } from './seal.ts'
import type { SecretRecord, VersionRecord } from './secret-record.ts'
import { idLength, saltLength, scryptBounds, type StoreHeader } from './store-header.ts'
import { latestTime } from './timestamp.ts'

const keyIdLength = 16
const revisionLength = 36
const wrappedLength = sealLength + 32
/** A UTF-16 unit is at most three bytes of UTF-8, and at most six as JSON. */
const pathBytes = 3 * limits.pathLength
const tagsBytes = 2 + limits.tags * (6 * (limits.tagKeyLength + limits.tagValueLength) + 6)
const sealedBytes = sealLength + limits.valueBytes

/** What to select so that the functions below can read it: no column is loaded that is longer than what we ever write. */
export const columns: Readonly<Record<'header' | 'key' | 'path' | 'mac' | 'secret' | 'version' | 'sealed', string>> = {
  header: `${bounded('store_id', idLength)}, ${bounded('salt', saltLength)}, scrypt_log2n, scrypt_r, scrypt_p`,
  key: `${bounded('key_id', keyIdLength)}, wrapped IS NULL AS retired, ${bounded('wrapped', wrappedLength)}`,
  path: bounded('path', pathBytes),
  mac: bounded('mac', macLength),
  secret: `path, last_version, current, previous, pending, deleted_at, ${bounded('tags', tagsBytes)}`,
  version: `version, ${bounded('revision', revisionLength)}, ${bounded('key_id', keyIdLength)}, kind, created_at, current_since,
    substr(${boundedOnly('sealed', sealedBytes)}, 1, ${sealLength}) AS seal`,
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
  return { keyId: text(row['key_id']), wrapped: row['retired'] === 1 ? undefined : bytes(row['wrapped'], wrappedLength) }
}

export function macFrom(row: Row): Buffer {
  return bytes(row['mac'], macLength)
}

export function recordFrom(row: Row, versions: readonly VersionRecord[]): SecretRecord {
  const version = (value: unknown): number => integer(value, 1, limits.version)
  return {
    path: text(row['path']),
    lastVersion: version(row['last_version']),
    current: optional(row['current'], version),
    previous: optional(row['previous'], version),
    pending: optional(row['pending'], version),
    deletedAt: optional(row['deleted_at'], time),
    tags: tagsFrom(text(row['tags'])),
    versions,
  }
}

export function versionFrom(row: Row): VersionRecord {
  return {
    version: integer(row['version'], 1, limits.version),
    revision: text(row['revision']),
    keyId: text(row['key_id']),
    kind: integer(row['kind'], 0, 3),
    createdAt: time(row['created_at']),
    currentSince: optional(row['current_since'], time),
    seal: bytes(row['seal'], sealLength),
  }
}

function time(value: unknown): number {
  return integer(value, 0, latestTime)
}

/** Tags in the one form in which they are written. */
function tagsFrom(json: string): Readonly<Record<string, string>> {
  const tags = parsed(json)
  if (isTags(tags) && JSON.stringify(tags) === json) return tags
  throw altered()
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw altered()
  }
}
