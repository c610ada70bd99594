import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { type LocalProvider, localProvider } from '@finchat/secrets-provider-local'
import type { Seen } from './held.ts'
import type { Ledger } from './ledger.ts'
import { sharedName } from './operation.ts'
import { storeKeys } from './store-keys.ts'

/** A context whose signal never fires. */
export const context: CallContext = { signal: new AbortController().signal }

/**
 * Opens the store and puts everything in it before the ledger, which notes what should not be so.
 */
export async function verifyStore(path: string, generation: number, ledger: Ledger): Promise<void> {
  const provider = localProvider({ path, keys: storeKeys(generation), lockTimeoutMs: 20_000 })
  try {
    for (const name of [...ledger.names(), sharedName]) ledger.sees(name, await seenOf(provider, name))
  } catch (error) {
    ledger.faults.push(`the store cannot be read: ${SecretsError.isInstance(error) ? `${error.code} ${error.message}` : String(error)}`)
  } finally {
    await provider.close()
  }
}

async function seenOf({ get, getVersion }: LocalProvider, name: string): Promise<Seen> {
  const versions = new Map<number, string>()
  try {
    const current = await get(name, context)
    for (let version = 1; version <= (current?.version ?? 0); version++) {
      const found = version === current?.version ? current : await getVersion(name, version, context)
      if (found) versions.set(version, String(found.value))
    }
    return { versions, deleted: false }
  } catch (error) {
    if (SecretsError.isInstance(error) && error.code === 'DELETED') return { versions, deleted: true }
    throw error
  }
}
