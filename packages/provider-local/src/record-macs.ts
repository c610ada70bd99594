import type { KeyObject } from 'node:crypto'
import type { Bucket } from './bucket.ts'
import { loadCrypto } from './builtins.ts'
import type { WrappedKey } from './keyring.ts'
import { type Field, lengthPrefixed } from './length-prefixed.ts'
import type { SecretRecord, VersionRecord } from './secret-record.ts'
import { formatVersion, type StoreHeader } from './store-header.ts'

export const macLength = 32

/** Secrets are spread over this many buckets, so that one change touches one MAC in each of three levels. */
export const bucketCount = 64

/** One bucket's MAC among those of all. */
export function macOfBucket(bucketMacs: Buffer, bucket: number): Buffer {
  return bucketMacs.subarray(bucket * macLength, (bucket + 1) * macLength)
}

export function bucketOf(path: string): number {
  return loadCrypto().hash('sha256', path, 'buffer').readUInt8(0) % bucketCount
}

/** The three levels of the index; each text says which level it is, so that none can stand for another. */
export interface IndexMacs {
  readonly record: (record: SecretRecord) => Buffer
  readonly bucket: (number: number, bucket: Bucket) => Buffer
  readonly root: (changes: number, keys: readonly WrappedKey[], bucketMacs: Buffer) => Buffer
}

/** HMAC-SHA256 (RFC 2104) under the index's key. */
export function indexMacs(key: KeyObject, { storeId, salt, scrypt }: StoreHeader): IndexMacs {
  const { createHmac } = loadCrypto()
  const mac = (level: string, fields: readonly Field[], more: readonly Buffer[] = []): Buffer => {
    const hmac = createHmac('sha256', key).update(lengthPrefixed([`finchat-secrets/local/${level}`, formatVersion, storeId, ...fields]))
    for (const piece of more) hmac.update(piece)
    return hmac.digest()
  }
  return {
    record: (record) => mac('secret', [...recordFields(record), ...record.versions.map(encodedVersion)]),
    bucket: (number, bucket) => mac('bucket', [number], bucket.text),
    root: (changes, keys, bucketMacs) => {
      const wrapped = keys.flatMap((each) => [each.keyId, each.wrapped])
      return mac('root', [salt, scrypt.log2N, scrypt.r, scrypt.p, changes, keys.length, ...wrapped, bucketMacs])
    },
  }
}

function recordFields({ path, lastVersion, current, previous, pending, deletedAt, tags }: SecretRecord): Field[] {
  return [path, lastVersion, current, previous, pending, deletedAt, JSON.stringify(tags)]
}

/** Versions do not change: most of a secret's were encoded when it was last written or read. */
const encodedVersions = new WeakMap<VersionRecord, Buffer>()

function encodedVersion(version: VersionRecord): Buffer {
  const encoded = encodedVersions.get(version) ?? lengthPrefixed(versionFields(version))
  encodedVersions.set(version, encoded)
  return encoded
}

function versionFields({ version, revision, keyId, kind, createdAt, currentSince, seal }: VersionRecord): Field[] {
  return [version, revision, keyId, kind, createdAt, currentSince, seal]
}
