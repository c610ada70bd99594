import type { NewStagedSecret, SecretProvider, StagedSecret, StoredSecret } from '../contract/provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** A store of one path in memory, with staging as the contract asks for. */
export interface StagingStore {
  readonly provider: SecretProvider
  current: StoredSecret | undefined
  previous: StoredSecret | undefined
  pending: StagedSecret | undefined
  attempts: number
  /** Calls of the provider, by method. */
  readonly calls: Record<string, number>
}

function conflict(): Promise<never> {
  return Promise.reject(new SecretsError('VERSION_CONFLICT', 'another version came first'))
}

function stage(store: StagingStore, secret: NewStagedSecret): StagedSecret {
  store.attempts += 1
  const version = Math.max(store.current?.version ?? 0, store.attempts) + 1
  const { value, shape, note } = secret
  return { value, shape, note, version, attempt: store.attempts, stagedAt: Date.now() }
}

export function stagingStore(current: StoredSecret | undefined, members: Partial<SecretProvider> = {}): StagingStore {
  const calls: Record<string, number> = {}
  const counted = (method: string): void => void (calls[method] = (calls[method] ?? 0) + 1)
  const store: StagingStore = {
    provider: providerOf(() => store, counted, members),
    current,
    previous: undefined,
    pending: undefined,
    attempts: 0,
    calls,
  }
  return store
}

function providerOf(store: () => StagingStore, counted: (method: string) => void, members: Partial<SecretProvider>): SecretProvider {
  return {
    specificationVersion: 'v1',
    name: 'store',
    get: async () => (counted('get'), store().current),
    getVersion: async (_path, version) => (counted('getVersion'), version === 'previous' ? store().previous : undefined),
    probe: async () => {
      counted('probe')
      const { current } = store()
      return current && { version: current.version, revision: current.revision }
    },
    put: async (_path, { value, shape }) => {
      counted('put')
      const version = (store().current?.version ?? 0) + 1
      Object.assign(store(), { previous: store().current, current: { value, shape, version } })
      return { version }
    },
    staging: {
      put: async (_path, secret) => {
        counted('staging.put')
        const { pending } = store()
        if (pending !== undefined && pending.value !== secret.value) return conflict()
        const { version, attempt } = (store().pending ??= stage(store(), secret))
        return { version, attempt }
      },
      get: async () => (counted('staging.get'), store().pending),
      promote: async (_path, receipt) => {
        counted('staging.promote')
        const { pending, current } = store()
        if (pending === undefined) return current?.version === receipt.version ? receipt : conflict()
        if (pending.version !== receipt.version) return conflict()
        const { value, shape, version } = pending
        Object.assign(store(), { previous: current, current: { value, shape, version }, pending: undefined })
        return { version }
      },
      discard: async (_path, receipt) => {
        counted('staging.discard')
        if (store().current?.version === receipt.version) await conflict()
        store().pending = undefined
      },
    },
    ...members,
  }
}
