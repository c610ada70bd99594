// A stand-in for a store such as Vault, which a program can break. A service names its real stores.
import { type SecretProvider } from '@finchat/secrets-core'
import { faults, faultyProvider, memoryProvider } from '@finchat/secrets-testkit'

export interface BreakableStore {
  readonly provider: SecretProvider
  isDown: boolean
}

export const names: readonly string[] = Array.from({ length: 8 }, (_, n) => `service/${n}`)

export function breakableStore(): BreakableStore {
  const held = memoryProvider({ name: 'vault', secrets: Object.fromEntries(names.map((name) => [name, 'hunter2'])) })
  const store: BreakableStore = {
    provider: faultyProvider(held, () => (store.isDown ? faults.reject('UNAVAILABLE') : undefined)),
    isDown: false,
  }
  return store
}
