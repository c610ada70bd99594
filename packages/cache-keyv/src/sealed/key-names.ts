import type { SharedKey } from '@finchat/secrets-core'
import { type Field, lengthPrefixed, mac } from '@finchat/secrets-core/sealing'
import { format, type KeyRing, loadCrypto } from './key-ring.ts'

/** The names of one secret's keys in the store: hashes under the index key, random to everybody without it. */
export interface KeyNames {
  /** Of the path: its current generation. */
  readonly generation: string
  /** Of one version of the path: its sealed entry. */
  readonly entry: string
  /** Of one version of the path: who may ask the provider. */
  readonly lease: string
}

export interface NameOptions {
  readonly keys: Pick<KeyRing, 'index'>
  readonly namespace: string
  /** Begins every key name. */
  readonly keyPrefix: string
}

/** Three bytes tell two fleets' keys apart, and are too few to confirm a guessed key. */
const markBytes = 3
/** At 192 bits collisions are out of reach. */
const hashBytes = 24

/** All names of one path share a hash tag in braces, and so one slot of a Redis Cluster. */
export function keyNamesOf(key: SharedKey, options: NameOptions): KeyNames {
  const path: Field[] = [options.namespace, key.sharedAs, key.path]
  const tag = `${options.keyPrefix}{${hash(options, ['path', ...path])}}`
  const version = hash(options, ['version', ...path, key.version])
  return { generation: `${tag}g`, entry: `${tag}e${version}`, lease: `${tag}t${version}` }
}

/** The channel on which the processes of a namespace announce invalidations. */
export function channelOf(options: NameOptions): string {
  return `${options.keyPrefix}${hash(options, ['channel', options.namespace])}`
}

/** Shows which index key a namespace uses. Its name follows from the namespace alone, so every process finds it. */
export interface KeyMark {
  readonly name: string
  readonly text: string
}

export function keyMarkOf(options: NameOptions): KeyMark {
  const { namespace, keyPrefix } = options
  const name = loadCrypto()
    .createHash('sha256')
    .update(lengthPrefixed([format, 'key mark', namespace]))
    .digest()
    .toString('base64url', 0, hashBytes)
  return { name: `${keyPrefix}k${name}`, text: hash(options, ['key mark', namespace], markBytes) }
}

function hash({ keys }: NameOptions, fields: readonly Field[], length: number = hashBytes): string {
  return mac(keys.index, lengthPrefixed([format, ...fields])).toString('base64url', 0, length)
}
