import { resolve } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { knownOptions, type MembersOf, type NamesOptions } from '@finchat/secrets-core/provider'
import { type EncryptionKey, parseKey } from '@finchat/secrets-core/sealing'
import { KeyBytes } from '../keys/key-bytes.ts'
import { type KeySource, wipeSources } from '../keys/keyring.ts'
import { idLength } from '../keys/store-header.ts'

/** What `localProvider` takes. */
export interface LocalProviderOptions extends NamesOptions {
  /** The file, created by the first write if it does not exist, or `':memory:'` for a store that ends with the provider. */
  readonly path: string
  /** The encryption key. May be left out with `':memory:'` only: a random one is used. */
  readonly key?: EncryptionKey | undefined
  /** Instead of `key`, several: the first seals what is written, all of them open what was. */
  readonly keys?: readonly EncryptionKey[] | undefined
  /** The provider's name in errors, audit events and health. Default: `local`. */
  readonly name?: string | undefined
  /**
   * How many versions of a secret a write leaves, the current one included. The version before it
   * and a pending one always stay. With `'all'` the file grows with each write. Default: 100.
   */
  readonly keepVersions?: number | 'all' | undefined
  /** A file that does not exist is an error, to reads too, rather than an empty store. Recommended in production. Default: false. */
  readonly mustExist?: boolean | undefined
  /**
   * The one store that may lie at `path`, by what `storeId()` of its provider says. Another one, or
   * none, is an error, also where the same key opens it. Default: any.
   */
  readonly storeId?: string | undefined
  /** Milliseconds that a call waits for a lock of another process. Default: 5,000. */
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

/**
 * Where removed ciphertext may still stand: in the log, to be emptied after a few more writes
 * (`late`) or at once, or in gaps of the file's pages too.
 */
export type Remnants = 'late' | 'log' | 'file'

/** How many versions a write leaves, and where the removed ones may still stand. */
export interface KeptVersions {
  readonly most: number
  readonly remnants: Remnants
}

/** As many as AWS Secrets Manager keeps. A rotation a day is remembered for three months. */
const defaultKeepVersions = 100

/** The same, checked. */
export interface StoreOptions {
  readonly name: string
  /** Absolute; `undefined` for a store in memory. */
  readonly path: string | undefined
  /** One or more; wiped once the store is open, or closed. */
  readonly keys: readonly KeySource[]
  readonly keepVersions: KeptVersions
  readonly mustExist: boolean
  readonly storeId: Buffer | undefined
  readonly lockTimeoutMs: number
}

/** Throws `CONFIGURATION` for every option that makes no sense. Touches neither the disk nor the store. */
export function checkedOptions(given: LocalProviderOptions): StoreOptions {
  const options = knownOptions(given, members)
  const { name = 'local', path, keepVersions, mustExist = false, storeId, lockTimeoutMs = 5000 } = options
  assertPath(path)
  if (!Number.isFinite(lockTimeoutMs) || lockTimeoutMs < 0)
    throw misconfigured('`lockTimeoutMs` is not a number of milliseconds', 'pass 0 or more')
  const checked = {
    name,
    // Resolved, so that a later change of the working folder does not matter and SQLite sees no
    // `file:` URI.
    path: path === ':memory:' ? undefined : resolve(path),
    keepVersions: keptVersions(keepVersions),
    mustExist,
    storeId: storeIdOf(storeId, path),
    lockTimeoutMs,
  }
  return { ...checked, keys: keysOf(options) } // last, so that no key is left where another option is refused
}

function storeIdOf(storeId: unknown, path: string): Buffer | undefined {
  if (storeId === undefined) return undefined
  if (path === ':memory:') throw misconfigured('`storeId` is given for a store in memory, which is always a new one', 'leave it out')
  const isId = typeof storeId === 'string' && storeId.length === 2 * idLength && /^[0-9a-f]+$/.test(storeId)
  if (!isId) throw misconfigured(`\`storeId\` is not ${2 * idLength} hex digits`, 'give the id that `storeId()` of the provider returns')
  return Buffer.from(storeId, 'hex')
}

/** `:memory` and the like would be files, and a key that is left out would be missed instead. */
function assertPath(path: unknown): asserts path is string {
  if (typeof path !== 'string' || path === '' || path.includes('\0'))
    throw misconfigured('`path` is not the path of a file', "name a file, by fileURLToPath where it is a URL; or ':memory:'")
  if (path.startsWith(':') && path !== ':memory:')
    throw misconfigured("`path` begins with a colon, and is not ':memory:'", 'correct it; a file of such a name is ./:name')
}

/** A given number is also a promise that no more is left when a write resolves. */
function keptVersions(keepVersions: number | 'all' | undefined): KeptVersions {
  if (keepVersions === undefined) return { most: defaultKeepVersions, remnants: 'late' }
  if (keepVersions === 'all') return { most: Number.POSITIVE_INFINITY, remnants: 'late' }
  assertKeepVersions(keepVersions, "pass 1 or more, or 'all'")
  return { most: keepVersions, remnants: 'log' }
}

export function assertKeepVersions(keepVersions: number, remedy = 'pass 1 or more'): void {
  if (Number.isSafeInteger(keepVersions) && keepVersions >= 1) return
  throw misconfigured('`keepVersions` is not a number of versions', remedy)
}

function keysOf({ path, key, keys }: LocalProviderOptions): KeySource[] {
  if (key !== undefined && keys !== undefined)
    throw misconfigured('`key` and `keys` are both given', 'give `keys`, the one that seals first')
  if (keys !== undefined && !Array.isArray(keys)) throw misconfigured('`keys` is not an array', 'for one key give `key`')
  const given: readonly EncryptionKey[] = keys ?? (key === undefined ? [] : [key])
  if (given.length === 0 && keys === undefined && path === ':memory:') return [{ kind: 'raw', key: KeyBytes.random() }]
  if (given.length === 0)
    throw misconfigured('no encryption key is given', 'give `key`, the same at every start; generateKey() makes one, once')
  return sourcesOf(given)
}

/** All of them, or none is left. */
function sourcesOf(given: readonly EncryptionKey[]): KeySource[] {
  const sources: KeySource[] = []
  try {
    for (const each of given) {
      const parsed = parseKey(each)
      sources.push(parsed.kind === 'raw' ? { kind: 'raw', key: new KeyBytes(parsed.bytes) } : parsed)
    }
    return sources
  } catch (error) {
    wipeSources(sources)
    throw error
  }
}

function misconfigured(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}
