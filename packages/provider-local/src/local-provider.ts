import type { CallContext, SecretProvider } from '@finchat/secrets-core'
import { loadOnUse, locator, type Provides } from '@finchat/secrets-core/provider'
import type { BackupRequest, RestoreReport, RestoreRequest } from './operations/backup.ts'
import { type KeyUse, keyUseOf } from './operations/key-use.ts'
import { prune, type PrunePolicy, type PruneReport, reencrypt } from './operations/maintenance.ts'
import { reads } from './operations/reads.ts'
import { writes } from './operations/writes.ts'
import { localManifest } from './shared/limits.ts'
import { checkedOptions, type LocalProviderOptions } from './store/options.ts'
import type { StoreContents } from './store/inventory.ts'
import { Store } from './store/store.ts'

/** The signal of a call; optional for calls made by people rather than by the core. */
export type MaintenanceContext = { readonly [member in keyof CallContext]?: CallContext[member] | undefined }

/** The whole contract for a store on disk, and methods to maintain the file. */
export interface LocalProvider extends Provides<Exclude<keyof SecretProvider, 'sharedAs'>> {
  /**
   * Seals everything again with the first of `keys`, then retires all other keys and erases the old
   * ciphertext from file and log. Resolves to the number of versions sealed again. Call it once
   * every process has the new key; the store may be in use. After an abort or a crash, call it
   * again. A retired key never seals again: `CONFIGURATION`.
   */
  readonly reencrypt: (context?: ReencryptContext) => Promise<{ readonly reencrypted: number }>
  /**
   * Removes old versions for good and resolves to their numbers, which stay used. Throws
   * `CONFIGURATION` if `keepVersions` is not 1 or more.
   */
  readonly prune: (policy: PrunePolicy, context?: MaintenanceContext) => Promise<PruneReport>
  /**
   * Copies the store into one file with mode 0600, while others read and write it. The copy gets its
   * name only after every value in it was opened, so that there is no half backup. It opens with the
   * keys of the store. Throws `INVALID_ARGUMENT` for a name that is taken, unless `overwrite` is set.
   */
  readonly backup: (request: BackupRequest, context?: MaintenanceContext) => Promise<StoreContents>
  /**
   * Puts a verified copy of a backup in the place of the store, whose file is kept beside it under
   * another name. Throws `UNAVAILABLE` while another program has the store open, and if one wrote to it
   * after it was compared with the backup. Call it first on a new provider; it closes the provider. A write that the backup lacks is gone from the store, and
   * its version number is used again.
   */
  readonly restoreBackup: (request: RestoreRequest, context?: MaintenanceContext) => Promise<RestoreReport>
  /** The id of this store, for the option `storeId`; undefined before the first write makes it. */
  readonly storeId: (context?: MaintenanceContext) => Promise<string | undefined>
  readonly close: (context?: MaintenanceContext) => Promise<void>
}

/** As `MaintenanceContext`, and where to report how far it is. */
export interface ReencryptContext extends MaintenanceContext {
  /** Is called after each batch with the number of secrets done, and of all. */
  readonly onProgress?: ((done: number, all: number) => void) | undefined
  /**
   * Is asked before anything is changed; `false` ends the call, which then resolves to 0. Default:
   * nobody is asked.
   */
  readonly confirm?: ((use: KeyUse) => boolean | Promise<boolean>) | undefined
}

/**
 * An encrypted store of secrets on this machine: one SQLite file, or memory. Opens nothing before
 * the first call; the first write creates the file. Throws `CONFIGURATION` for an invalid option or
 * a key of fewer than 32 bytes.
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
  const locate = locator(options, localManifest.canHoldPath)
  const checked = checkedOptions(options)
  const store = new Store(checked)
  return {
    specificationVersion: 'v1',
    name: checked.name,
    locate,
    keepsFields: () => true,
    ...reads(store),
    ...writes(store, checked.retention),
    changes: (listener) => store.listeners.add(listener),
    reencrypt: async (context) => {
      const asked = complete(context)
      const isConfirmed = context?.confirm === undefined || (await context.confirm(await keyUseOf(store, asked)))
      return isConfirmed ? reencrypt(store, asked, context?.onProgress) : { reencrypted: 0 }
    },
    prune: async (policy, context) => prune(store, policy, complete(context)),
    backup: async (request, context) => (await loadBackups()).backup(store, checked.path, request, complete(context)),
    restoreBackup: async (request, context) => {
      store.assertUnused()
      const { restoreBackup } = await loadBackups()
      return restoreBackup(checked, request, complete(context)).finally(() => store.close())
    },
    storeId: async (context) => store.read(complete(context), ({ storeId }) => storeId?.toString('hex')),
    close: async () => store.close(),
  }
}

/** Services never need them. */
async function loadBackups(): Promise<typeof import('./operations/backup.ts')> {
  return loadOnUse(
    { what: 'the backups of the local store', name: '@finchat/secrets-provider-local' },
    () => import('./operations/backup.ts'),
    'backup',
  )
}

function complete(context: MaintenanceContext | undefined): CallContext {
  return { ...context, signal: context?.signal ?? new AbortController().signal }
}
