import type { SecretProvider } from '@finchat/secrets-core'
import { ChangeListeners, invalidArgument, type ProviderManifest, throwIfAborted } from '@finchat/secrets-core/provider'

export const numberedManifest: ProviderManifest = {
  supports: ['probe', 'changes'],
  values: { minBytes: 0, maxBytes: 65_536, binary: false },
  canHoldPath: (path) => /^[\w/-]{1,512}$/.test(path),
  numbering: 'next', // the store counts by itself
}

/** `watch` calls back for each change, and returns what ends that. */
export interface NumberedStore {
  readonly find: (path: string) => { readonly value: string; readonly version: number } | undefined
  readonly watch: (changed: (path: string) => void) => () => void
}

export function numberedProvider(store: NumberedStore): SecretProvider {
  const listeners: ChangeListeners = new ChangeListeners(() => store.watch((path) => listeners.notify(path)))
  const get: SecretProvider['get'] = async (path, { signal }) => {
    throwIfAborted(signal)
    if (!numberedManifest.canHoldPath(path)) throw invalidArgument('the store cannot hold this path')
    return store.find(path)
  }
  return {
    specificationVersion: 'v1',
    name: 'my-store',
    get,
    probe: async (path, context) => {
      const secret = await get(path, context)
      return secret && { version: secret.version }
    },
    changes: (listener) => listeners.add(listener), // the first one begins to watch the store
    close: async () => listeners.close(),
  }
}
