import type { CallContext, SecretProvider } from '@finchat/secrets-core'
import { locator } from '@finchat/secrets-core/provider'
import { canHoldPath, type Provides } from './shared/limits.ts'
import { prune, type PrunePolicy, type PruneReport, reencrypt } from './operations/maintenance.ts'
import { checkedOptions, type LocalProviderOptions } from './store/options.ts'
import { reads } from './operations/reads.ts'
import { lazyStore } from './store/store.ts'
import { writes } from './operations/writes.ts'

/** A signal, as every call takes it; calls that are made by people rather than by the core may leave it out. */
export type MaintenanceContext = { readonly [member in keyof CallContext]?: CallContext[member] | undefined }

/** The contract's members, all of those that a store on disk can have, and two for the upkeep of the file. */
export interface LocalProvider extends Provides<Exclude<keyof SecretProvider, 'sharedAs'>> {
  /**
   * Seals everything again with the first of `keys`, after which no other key opens the store and none of the old
   * ciphertext is left in file or log. Resolves to the number of versions sealed again. May be called while the store is
   * in use, once every process has the new key; after an abort or a crash, call it again. A key that it has retired never
   * seals again: `CONFIGURATION`.
   */
  readonly reencrypt: (context?: MaintenanceContext) => Promise<{ readonly reencrypted: number }>
  /**
   * Removes old versions for good, and resolves to their numbers, which stay used. Throws
   * `CONFIGURATION` if `keepVersions` is not 1 or more.
   */
  readonly prune: (policy: PrunePolicy, context?: MaintenanceContext) => Promise<PruneReport>
  /**
   * What names this store and no other, for the option `storeId`; `undefined` where no write has
   * made it yet.
   */
  readonly storeId: (context?: MaintenanceContext) => Promise<string | undefined>
  readonly close: (context?: MaintenanceContext) => Promise<void>
}

/**
 * An encrypted store of secrets on this machine: one SQLite file, or memory. Returns a provider; nothing is opened or
 * derived before its first call, and the file is created by the first write. Throws `CONFIGURATION` for a key or an option that makes no sense, a key of
 * fewer than 32 bytes among them.
 *
 * @example
 * import { generateKey, localProvider } from '@finchat/secrets-provider-local'
 *
 * const local = localProvider({ path: ':memory:', key: generateKey() })
 * const context = { signal: new AbortController().signal }
 * await local.put('database/password', { value: 'correct horse' }, context)
 * console.log((await local.get('database/password', context))?.value) // correct horse
 * await local.close()
 */
export function localProvider(options: LocalProviderOptions): LocalProvider {
  const locate = locator(options, canHoldPath)
  const checked = checkedOptions(options)
  const store = lazyStore(checked)
  return {
    specificationVersion: 'v1',
    name: checked.name,
    locate,
    keepsFields: () => true,
    ...reads(store),
    ...writes(store, checked.keepVersions),
    reencrypt: async (context) => reencrypt(store, complete(context)),
    prune: async (policy, context) => prune(store, policy, complete(context)),
    storeId: async (context) => store.read(complete(context), ({ storeId }) => storeId?.toString('hex')),
    close: async () => store.close(),
  }
}

function complete(context: MaintenanceContext | undefined): CallContext {
  return { ...context, signal: context?.signal ?? new AbortController().signal }
}
