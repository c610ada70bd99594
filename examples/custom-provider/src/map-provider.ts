import type { SecretProvider } from '@finchat/secrets-core'
import { invalidArgument, type ProviderManifest, throwIfAborted } from '@finchat/secrets-core/provider'

export const manifest: ProviderManifest = {
  supports: [], // no member beyond `get`
  values: { minBytes: 0, maxBytes: 65_536, binary: false },
  canHoldPath: (path) => /^[\w/-]{1,512}$/.test(path),
}

export function mapProvider(store: ReadonlyMap<string, string>): SecretProvider {
  return {
    specificationVersion: 'v1',
    name: 'my-store',
    get: async (path, { signal }) => {
      throwIfAborted(signal)
      if (!manifest.canHoldPath(path)) throw invalidArgument('the store cannot hold this path')
      const value = store.get(path)
      return value === undefined ? undefined : { value }
    },
  }
}
