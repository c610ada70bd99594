import { createSecretsManager, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { type RegisteredUse, registerUse } from '@finchat/secrets-core/live'
import { memoryProvider, type MemoryProvider, memorySharedCache, type MemorySharedCache } from '@finchat/secrets-testkit'
import { vi } from 'vitest'

/** Marks must have been kept for so long before a version becomes current. */
export const keptBeforeMs = 100_000
/** A later version than before is told so soon. */
export const toldWithinMs = 1_000

/** One process of a fleet, which keeps the value that it read. */
interface FleetMember {
  readonly secrets: SecretsManager
  readonly use: RegisteredUse
  /** Reads what is current, and registers it. */
  readonly take: () => Promise<void>
}

/** Processes that share a store and a cache; the rotator is one of them. */
export interface Fleet {
  readonly store: MemoryProvider
  readonly cache: MemorySharedCache
  readonly rotator: SecretsManager
  readonly member: (actor?: string) => FleetMember
}

/** The value of `db` at first. */
export const firstOfFleet = 'a first password'

export function fleet(change: (store: SecretProvider) => Partial<SecretProvider> = () => ({})): Fleet {
  const store = memoryProvider({ sharedAs: 'store', secrets: { db: firstOfFleet } })
  const cache = memorySharedCache()
  const manager = (): SecretsManager =>
    createSecretsManager({ providers: [{ ...store, ...change(store) }], cache: { shared: cache.anotherProcess() } })
  const member = (actor?: string): FleetMember => {
    const secrets = manager()
    const use = registerUse(secrets, 'db', { actor })
    const take = async (): Promise<void> => {
      await use.uses(await secrets.getSecretValue('db', { fresh: true }))
      await vi.advanceTimersByTimeAsync(toldWithinMs)
    }
    return { secrets, use, take }
  }
  return { store, cache, rotator: manager(), member }
}

/** Marks are kept since before version 2 became current: so it can be known whether it is used. */
export async function settledFleet(made: Fleet = fleet()): Promise<Fleet> {
  const first = made.member()
  await first.take()
  await first.secrets.close()
  await vi.advanceTimersByTimeAsync(keptBeforeMs)
  await made.rotator.rotateSecret('db', 'the second')
  return made
}
