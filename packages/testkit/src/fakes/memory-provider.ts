import { SecretsError, type CallContext, type ListedSecret, type NewSecret, type SecretProvider } from '@finchat/secrets-core'
import {
  assertValue,
  assertVersionNumber,
  checkedNote,
  invalidArgument,
  isStorePath,
  locator,
  type NamesOptions,
  type ProviderManifest,
  throwIfAborted,
} from '@finchat/secrets-core/provider'
import { createMemoryStore, type MemorySecret, type MemoryStore } from './memory-store.ts'

/** Options of `memoryProvider`. */
export interface MemoryProviderOptions extends NamesOptions {
  /** Unique in a chain. Default: `memory`. */
  readonly name?: string | undefined
  /** Shares its answers in a shared cache, under this identity. Default: they stay in this process. */
  readonly sharedAs?: string | undefined
  /** The initial secrets, by path. */
  readonly secrets?: Readonly<Record<string, MemorySecret>> | undefined
}

type AllMembers = {
  readonly [Member in Exclude<keyof SecretProvider, 'sharedAs' | 'graceSharedAs' | 'credentialStatus'>]-?: NonNullable<
    SecretProvider[Member]
  >
}

/** A provider with every optional member of the contract. */
export interface MemoryProvider extends AllMembers, Pick<SecretProvider, 'sharedAs'> {}

/** At most 65,536 bytes, as in AWS Secrets Manager. */
const valueLimits: ProviderManifest['values'] = { minBytes: 0, maxBytes: 65_536, binary: true }

/** The manifest of `memoryProvider`: everything is supported. */
export const memoryManifest: ProviderManifest = {
  supports: ['getVersion', 'getMany', 'describe', 'list', 'put', 'tag', 'delete', 'restore', 'staging', 'probe', 'changes', 'checkHealth'],
  values: valueLimits,
  canHoldPath: isStorePath,
  numbering: 'any',
}

/**
 * A complete provider in memory, for tests, with every member of the contract. Each has a store of its own.
 *
 * @example
 * import { memoryProvider } from '@finchat/secrets-testkit'
 *
 * const provider = memoryProvider({ secrets: { api_key: 'v1' } })
 * const secret = await provider.get('api_key', { signal: AbortSignal.timeout(1000) })
 * console.log(secret?.value, secret?.version) // v1 1
 */
export function memoryProvider(options: MemoryProviderOptions = {}): MemoryProvider {
  return memoryProviderOver(createMemoryStore(options.secrets), options)
}

/** Called after the checks and before the store is used. If it rejects, so does the call. */
export type Reach = (context: CallContext) => Promise<void>

/** Begins every call; `path` is undefined for a call without one. */
type Enter = (path: string | undefined, context: CallContext) => Promise<void>

/** The provider over a given store, so that a harness can seed and break it. */
export function memoryProviderOver(store: MemoryStore, options: MemoryProviderOptions, reach: Reach = async () => {}): MemoryProvider {
  const ends = new Set<() => void>()
  const enter: Enter = async (path, context) => {
    if (path !== undefined) assertPath(path)
    if (context.signal.aborted) throw new SecretsError('ABORTED', 'the call was aborted before it began')
    await reach(context)
  }
  return {
    specificationVersion: 'v1',
    name: options.name ?? 'memory',
    sharedAs: options.sharedAs,
    locate: locator(options, isStorePath),
    keepsFields: store.keepsFields,
    changes: (listener) => {
      const end = store.changes(listener)
      ends.add(end)
      return end
    },
    checkHealth: (context) => enter(undefined, context),
    close: async () => {
      for (const end of ends) end()
      ends.clear()
    },
    ...readingMembers(store, enter),
    ...writingMembers(store, enter),
    staging: stagingMembers(store, enter),
  }
}

type ReadingMember = 'get' | 'getMany' | 'getVersion' | 'describe' | 'list' | 'probe'

function readingMembers(store: MemoryStore, enter: Enter): Pick<MemoryProvider, ReadingMember> {
  const get: SecretProvider['get'] = async (path, context) => {
    await enter(path, context)
    return store.get(path)
  }
  return {
    get,
    getMany: (paths, context) => Promise.allSettled(paths.map((path) => get(path, context))),
    getVersion: async (path, version, context) => {
      assertVersion(version)
      await enter(path, context)
      return store.getVersion(path, version)
    },
    describe: async (path, context) => {
      await enter(path, context)
      return store.describe(path)
    },
    probe: async (path, context) => {
      const secret = await get(path, context)
      return secret && { version: secret.version, revision: secret.revision }
    },
    list: async function* (prefix, context): AsyncGenerator<ListedSecret> {
      await enter(undefined, context)
      for (const secret of store.list(prefix)) {
        throwIfAborted(context.signal)
        yield secret
      }
    },
  }
}

function writingMembers(store: MemoryStore, enter: Enter): Pick<MemoryProvider, 'put' | 'tag' | 'delete' | 'restore'> {
  return {
    put: async (path, secret, context) => {
      assertNewSecret(secret)
      await enter(path, context)
      return store.put(path, secret)
    },
    tag: async (path, tags, context) => {
      await enter(path, context)
      store.tag(path, tags)
    },
    delete: async (path, { purge }, context) => {
      await enter(path, context)
      store.withdraw(path, purge)
      return {}
    },
    restore: async (path, context) => {
      await enter(path, context)
      store.restore(path)
    },
  }
}

function stagingMembers(store: MemoryStore, enter: Enter): MemoryProvider['staging'] {
  return {
    put: async (path, secret, context) => {
      assertNewSecret(secret)
      const note = checkedNote(secret.note)
      await enter(path, context)
      return store.stage(path, { ...secret, note })
    },
    get: async (path, context) => {
      await enter(path, context)
      return store.staged(path)
    },
    promote: async (path, pending, context) => {
      await enter(path, context)
      return store.promote(path, pending)
    },
    discard: async (path, pending, context) => {
      await enter(path, context)
      store.discard(path, pending)
    },
  }
}

function assertPath(path: string): void {
  if (!isStorePath(path))
    throw invalidArgument('this path cannot be held', 'use 1 to 2,048 characters of well-formed text without control characters')
}

function assertVersion(version: number | 'previous' | undefined): void {
  if (version !== undefined && version !== 'previous') assertVersionNumber(version)
}

function assertNewSecret({ value, version }: NewSecret): void {
  assertVersion(version)
  assertValue(value, valueLimits)
}
