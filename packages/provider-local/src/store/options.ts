import { resolve } from 'node:path'
import {
  assertWithin,
  configurationError,
  isWholeNumber,
  knownOptions,
  longestTimerMs,
  type MembersOf,
  type NamesOptions,
} from '@finchat/secrets-core/provider'
import { type EncryptionKey, givenKeys, missingKey, parseKeys } from '@finchat/secrets-core/sealing'
import { KeyBytes } from '../keys/key-bytes.ts'
import type { KeySource } from '../keys/derive-keys.ts'
import { idLength } from '../keys/store-header.ts'
import type { Residue } from './secure-erase.ts'

/** Options of `localProvider`. */
export interface LocalProviderOptions extends NamesOptions {
  /**
   * The file, which the first write creates, or `':memory:'` for a store that ends with the
   * provider.
   */
  readonly path: string
  /** The encryption key. Optional with `':memory:'`, which then uses a random one. */
  readonly key?: EncryptionKey | undefined
  /** Several keys instead of `key`: the first seals, all of them open. */
  readonly keys?: readonly EncryptionKey[] | undefined
  /** The provider's name in errors, audit events and health. Default: `local`. */
  readonly name?: string | undefined
  /**
   * How many versions of a secret a write leaves, the current one included. The previous and a
   * pending version always stay. With `'all'` the file grows with each write. Default: 100.
   */
  readonly keepVersions?: number | 'all' | undefined
  /**
   * A missing file is an error, also for reads, rather than an empty store. Recommended in
   * production. Default: false.
   */
  readonly mustExist?: boolean | undefined
  /**
   * The only store accepted at `path`, as `storeId()` of its provider returns it. Another store, or
   * none, is an error even if the key opens it. Default: any.
   */
  readonly storeId?: string | undefined
  /** Milliseconds to wait for another process's lock. Default: 5,000. */
  readonly lockTimeoutMs?: number | undefined
}

const members: MembersOf<LocalProviderOptions> = {
  path: 'any',
  key: 'any',
  keys: 'any',
  name: 'string',
  keepVersions: 'any',
  mustExist: 'boolean',
  storeId: 'any',
  lockTimeoutMs: 'any',
  names: 'any',
  prefix: 'any',
  onlyNamed: 'boolean',
}

/** How many versions a write leaves, and where it may leave removed ones. */
export interface Retention {
  readonly maxVersions: number
  readonly residue: Residue
}

/** As many as AWS Secrets Manager keeps. */
const defaultKeepVersions = 100

/** Validated options. */
export interface StoreOptions {
  readonly name: string
  /** Absolute; undefined for a store in memory. */
  readonly path: string | undefined
  /** At least one. Wiped once the store is open or closed. */
  readonly keys: readonly KeySource[]
  readonly retention: Retention
  readonly mustExist: boolean
  readonly storeId: Buffer | undefined
  readonly lockTimeoutMs: number
}

/** Throws `CONFIGURATION`. Touches neither the disk nor the store. */
export function checkedOptions(given: LocalProviderOptions): StoreOptions {
  const options = knownOptions(given, members)
  const { name = 'local', path, keepVersions, mustExist = false, storeId, lockTimeoutMs = 5000 } = options
  assertPath(path)
  assertWithin('lockTimeoutMs', lockTimeoutMs, 0, longestTimerMs)
  const checked = {
    name,
    // Unaffected by a change of the working folder, and no `file:` URI to SQLite.
    path: path === ':memory:' ? undefined : resolve(path),
    retention: retentionOf(keepVersions),
    mustExist,
    storeId: storeIdOf(storeId, path),
    lockTimeoutMs,
  }
  // Last, so that no key stays in memory when another option is refused.
  return { ...checked, keys: keysOf(options) }
}

function storeIdOf(storeId: unknown, path: string): Buffer | undefined {
  if (storeId === undefined) return undefined
  if (path === ':memory:') throw configurationError('`storeId` is given for a store in memory, which is always a new one', 'leave it out')
  const isId = typeof storeId === 'string' && storeId.length === 2 * idLength && /^[0-9a-f]+$/.test(storeId)
  if (!isId)
    throw configurationError(`\`storeId\` is not ${2 * idLength} hex digits`, 'give the id that `storeId()` of the provider returns')
  return Buffer.from(storeId, 'hex')
}

/** `:memory` would be a file, and the error would name the missing key. */
function assertPath(path: unknown): asserts path is string {
  if (typeof path !== 'string' || path === '' || path.includes('\0'))
    throw configurationError('`path` is not the path of a file', "name a file, by fileURLToPath where it is a URL; or ':memory:'")
  if (path.startsWith(':') && path !== ':memory:')
    throw configurationError("`path` begins with a colon, and is not ':memory:'", 'correct it; a file of such a name is ./:name')
}

/** An explicit number also promises that a write leaves no residue in the log. */
function retentionOf(keepVersions: number | 'all' | undefined): Retention {
  if (keepVersions === undefined) return { maxVersions: defaultKeepVersions, residue: 'late' }
  if (keepVersions === 'all') return { maxVersions: Number.POSITIVE_INFINITY, residue: 'late' }
  assertKeepVersions(keepVersions, "pass 1 or more, or 'all'")
  return { maxVersions: keepVersions, residue: 'log' }
}

export function assertKeepVersions(keepVersions: number, remedy = 'pass 1 or more'): void {
  if (isWholeNumber(keepVersions, 1, Number.MAX_SAFE_INTEGER)) return
  throw configurationError('`keepVersions` is not a number of versions', remedy)
}

function keysOf({ path, key, keys }: LocalProviderOptions): KeySource[] {
  const given = givenKeys('key', key, keys)
  if (given === undefined && path === ':memory:') return [{ kind: 'raw', key: KeyBytes.random() }]
  if (given === undefined) throw missingKey('key')
  return parseKeys(given).map((each) => (each.kind === 'raw' ? { kind: 'raw', key: new KeyBytes(each.bytes) } : each))
}
