import type { SharedKey } from '@finchat/secrets-core'
import { type Field, lengthPrefixed, mac } from '@finchat/secrets-core/sealing'
import { format, loadCrypto } from './key-ring.ts'

/** Where in the store something lies. Hashes under the index key: to whom does not have it they are random. */
export interface Places {
  /** Of one path: which answers of it may be served. */
  readonly generation: string
  /** Of one version of the path. */
  readonly entry: string
  /** Whose turn it is to ask the provider for that version. */
  readonly turn: string
}

/** 24 bits tell two fleets' keys from each other, and are too few to confirm a guess of one. */
const markBytes = 3
/** 192 bits: no two of all that anybody will ever ask for share one. */
const hashBytes = 24

export interface PlaceOptions {
  readonly index: Uint8Array
  readonly namespace: string
  /** What every key in the store begins with. */
  readonly keyPrefix: string
}

/** All places of one path have one hash tag in braces, and so one slot of a Redis Cluster. */
export function placesOf(key: SharedKey, { index, namespace, keyPrefix }: PlaceOptions): Places {
  const path: Field[] = [namespace, key.sharedAs, key.path]
  const tag = `${keyPrefix}{${hash(index, ['path', ...path])}}`
  const version = hash(index, ['version', ...path, key.version])
  return { generation: `${tag}g`, entry: `${tag}e${version}`, turn: `${tag}t${version}` }
}

/** The channel on which processes of this namespace tell each other what they invalidated. */
export function channelOf({ index, namespace, keyPrefix }: PlaceOptions): string {
  return `${keyPrefix}${hash(index, ['channel', namespace])}`
}

/** What shows with which index key a namespace is used, and where: found by everybody who knows the namespace, with whatever key. */
export interface KeyMark {
  readonly place: string
  readonly text: string
}

export function keyMarkOf({ index, namespace, keyPrefix }: PlaceOptions): KeyMark {
  const where = loadCrypto()
    .createHash('sha256')
    .update(lengthPrefixed([format, 'key mark', namespace]))
    .digest()
  return { place: `${keyPrefix}k${where.toString('base64url', 0, hashBytes)}`, text: hash(index, ['key mark', namespace], markBytes) }
}

function hash(index: Uint8Array, fields: readonly Field[], length: number = hashBytes): string {
  return mac(index, lengthPrefixed([format, ...fields])).toString('base64url', 0, length)
}
