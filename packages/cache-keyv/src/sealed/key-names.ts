import type { FormerKey, SharedKey } from '@finchat/secrets-core'
import { loadCrypto } from '@finchat/secrets-core/provider'
import { type Field, lengthPrefixed, mac } from '@finchat/secrets-core/sealing'
import { format, type KeyRing } from './key-ring.ts'

/** Hashes under the index key. Entry, lease and outage belong to one version of the path. */
export interface KeyNames {
  readonly generation: string
  readonly entry: string
  readonly lease: string
  readonly outage: string
}

export interface NameOptions {
  readonly keys: Pick<KeyRing, 'index'>
  readonly namespace: string
  readonly keyPrefix: string
}

/** Enough to distinguish two fleets' keys, too few to confirm a guessed key. */
const markBytes = 3
const hashBytes = 24

/** The hash tag in braces keeps a path in one slot of a Redis Cluster. */
export function keyNamesOf(key: SharedKey, options: NameOptions): KeyNames {
  const path: Field[] = [options.namespace, key.sharedAs, key.path]
  const tag = `${options.keyPrefix}{${hash(options, ['path', ...path])}}`
  const version = hash(options, ['version', ...path, key.version])
  return { generation: `${tag}g`, entry: `${tag}e${version}`, lease: `${tag}t${version}`, outage: `${tag}d${version}` }
}

/** Of the values that a part had lately. `seenOf`: of one of them, by its digest. */
export interface FormerNames {
  readonly order: string
  readonly seenOf: (digest: string) => string
}

export function formerNamesOf({ sharedAs, path, part, graceMs }: FormerKey, options: NameOptions): FormerNames {
  const tag = `${options.keyPrefix}{${hash(options, ['path', options.namespace, sharedAs, path])}}`
  const fields: Field[] = [options.namespace, sharedAs, path, part, graceMs]
  return {
    order: `${tag}o${hash(options, ['order', ...fields])}`,
    seenOf: (digest) => `${tag}s${hash(options, ['seen', ...fields, digest])}`,
  }
}

export function channelOf(options: NameOptions): string {
  return `${options.keyPrefix}${hash(options, ['channel', options.namespace])}`
}

/** Its name follows from the namespace alone, so processes with other keys find it. */
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

export function hash({ keys }: NameOptions, fields: readonly Field[], length: number = hashBytes): string {
  return mac(keys.index, lengthPrefixed([format, ...fields])).toString('base64url', 0, length)
}
