import type { SecretsManager } from '@finchat/secrets-core'
import { CountingStore } from './counting-store.ts'
import { latencies, type Latency } from './latency.ts'
import { SimulatedCache } from './simulated-cache.ts'
import { newProcess } from './process.ts'
import { inVirtualTime } from './virtual-time.ts'

/** Processes that start in one moment, with a shared cache that holds nothing. */
export interface ColdStartOptions {
  readonly processes: number
  readonly secrets: number
  /** A process reads all its secrets by one `getSecrets`; otherwise by a `getSecret` for each. */
  readonly byBatch: boolean
  readonly seed: number
  readonly latency?: { readonly sharedCache: Latency; readonly store: Latency }
}

export interface ColdStartRun extends Omit<ColdStartOptions, 'latency'> {
  /** Requests for a secret to the store, and the calls that carried them. */
  readonly asked: number
  readonly calls: number
  /** Requests for the secret that was requested most. */
  readonly mostAsked: number
  /** Until each process had all of its secrets, milliseconds, ascending. */
  readonly readyAfterMs: readonly number[]
  /** Processes that had an error instead. */
  readonly failed: number
}

const longestMs = 30_000

export function simulateColdStart({ latency = latencies, ...options }: ColdStartOptions): Promise<ColdStartRun> {
  const { processes, secrets, byBatch, seed } = options
  return inVirtualTime(seed, async (time) => {
    const store = new CountingStore(time, latency.store)
    const sharedCache = new SimulatedCache(time, latency.sharedCache)
    const names = Array.from({ length: secrets }, (_, n) => `secret/${n}`)
    const managers = Array.from({ length: processes }, () => newProcess(store, sharedCache, { hasSharedCache: true, preloads: true }))
    const begunAt = time.now()
    const ends: (number | undefined)[] = []
    for (const manager of managers)
      readAll(manager, names, byBatch).then(
        () => ends.push(time.now() - begunAt),
        () => ends.push(undefined),
      )
    while (ends.length < processes && time.now() < begunAt + longestMs) await time.runUntil(time.now() + 100)
    const asked = [...store.asked.values()]
    return {
      ...options,
      asked: sum(asked),
      calls: [store.calls, store.batches].reduce((calls, { forOne, forAll }) => calls + sum(forOne) + sum(forAll), 0),
      mostAsked: Math.max(...asked),
      readyAfterMs: ends.filter((ms) => ms !== undefined).toSorted((one, other) => one - other),
      failed: ends.filter((ms) => ms === undefined).length,
    }
  })
}

function readAll(manager: SecretsManager, names: readonly string[], byBatch: boolean): Promise<unknown> {
  return byBatch ? manager.getSecrets(names) : Promise.all(names.map((name) => manager.getSecret(name)))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
