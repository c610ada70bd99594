import { resolve } from 'node:path'
import { type ProviderFromEnv, secretsManagerFromEnv } from '@finchat/secrets-core'
import type { LocalProvider, StoreContents } from '@finchat/secrets-provider-local'
import { loadFactories } from '../config/provider-packages.ts'
import { assertCredentials, type Settings } from '../config/load-config.ts'
import { inWordsOfFile } from '../config/variables.ts'
import { counted } from '../terminal/counted.ts'
import { CommandError } from '../terminal/failure.ts'
import { type CommandContext, type CommonFlags, explained, settingsOf, warnOfUnclosed } from '../commands/context.ts'
import { type KeyPlaces, keyPlaces } from './key-places.ts'

/** The flags of a command that is for the local store alone. */
export type LocalFlags = Omit<CommonFlags, 'provider'>

/** The store to maintain, and what the configuration says of it. */
export interface LocalStore {
  readonly store: LocalProvider
  readonly path: string
  readonly hasOtherKey: boolean
  readonly places: KeyPlaces
}

/** Runs a command over the local store itself, with the settings that the chain's store has. */
export async function withLocalStore<T>(
  what: string,
  { terminal }: CommandContext,
  flags: LocalFlags,
  use: (local: LocalStore) => Promise<T>,
): Promise<T> {
  return explained(what, async () => {
    const settings = await settingsOf(terminal, flags)
    try {
      const store = await localStoreOf(settings)
      const { FINCHAT_LOCAL_PATH: path = '.secrets.db' } = settings.variables
      try {
        return await use({ store, path: resolve(terminal.cwd(), path), hasOtherKey: hasOtherKey(settings), places: keyPlaces(settings) })
      } finally {
        await store.close().catch(warnOfUnclosed)
      }
    } catch (error) {
      throw new CommandError(what, error, settings.file === undefined ? undefined : inWordsOfFile)
    }
  })
}

/** The manager checks the variables; it asks the store for nothing, so that there is nothing to audit. */
async function localStoreOf(settings: Settings): Promise<LocalProvider> {
  const { variables: all, folder } = settings
  assertCredentials(settings, ['local'])
  const { providers } = await loadFactories(['local'], false, folder)
  const variables = Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('FINCHAT_AUDIT_')))
  let store: LocalProvider | undefined
  const local: ProviderFromEnv = (reader) => (store = providers['local']?.(reader) as LocalProvider) // of its own package
  secretsManagerFromEnv({ local }, { env: { ...variables, FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_SECRETS_FALLBACKS: '' } })
  return store as unknown as LocalProvider // made, or the manager would have thrown
}

/** The key itself, or the file that holds it. */
function hasOtherKey({ variables }: Settings): boolean {
  return Boolean(variables['FINCHAT_ENCRYPTION_OTHER_KEY'] || variables['FINCHAT_ENCRYPTION_OTHER_KEY_FILE'])
}

/** What a store holds, in one line. */
export function contentsText({ secrets, versions, changedAt }: StoreContents): string {
  const since = changedAt === undefined ? '' : `, the newest change at ${new Date(changedAt).toISOString()}`
  return `${counted(secrets, 'secret')} in ${counted(versions, 'version')}${since}`
}
