import type { SecretsManager } from '@finchat/secrets-core'
import { CountingStore } from '../counting-store.ts'
import { latencies } from '../latency.ts'
import { newProcess } from '../process.ts'
import { SimulatedCache } from '../simulated-cache.ts'
import { inVirtualTime } from '../virtual-time.ts'
import { cacheTimes, short, type ShortFleet, type ShortRun } from './short-timeline.ts'

/** Simulates every process of the fleet. */
export function predict({ processes, secrets, hasSharedCache }: ShortFleet, seed: number): Promise<ShortRun> {
  return inVirtualTime(seed, async (time) => {
    const store = new CountingStore(time, latencies.store)
    const sharedCache = new SimulatedCache(time, latencies.sharedCache, cacheTimes)
    const names = Array.from({ length: secrets }, (_, n) => `secret/${n}`)
    let failedReads = 0
    const read = (manager: SecretsManager, name: string): void => {
      manager.getSecret(name).catch(() => (failedReads += 1))
      time.after(short.readEvery * 1000, () => read(manager, name))
    }
    for (let index = 0; index < processes; index += 1) {
      const manager = newProcess(store, sharedCache, { hasSharedCache, ttlSeconds: short.ttlSeconds })
      time.after((index / processes) * short.startsWithin * 1000, () => {
        for (const name of names) {
          void manager.getSecret(name).catch(() => (failedReads += 1))
          time.after(Math.random() * short.readEvery * 1000, () => read(manager, name))
        }
      })
    }
    time.after(short.outageFrom * 1000, () => (store.fault = 'refuses'))
    time.after(short.backAt * 1000, () => (store.fault = undefined))
    await time.runUntil(short.end * 1000)
    const { forOne, forAll } = store.calls
    return {
      calls: Array.from({ length: short.end }, (_, second) => (forOne[second] ?? 0) + (forAll[second] ?? 0)),
      failedReads,
      unavailable: 0,
    }
  })
}
