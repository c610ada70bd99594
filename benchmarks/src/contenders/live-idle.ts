// Secrets that are followed while nothing happens.
import { createHook } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecretsManager, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { liveSecret, watchSecret } from '@finchat/secrets-core/live'
import type { Contender, Task } from '../harness/scenario.ts'
import { memoryHeld, secretName } from './cache-work.ts'

function store(probed: () => void): SecretProvider {
  return {
    specificationVersion: 'v1',
    name: 'store',
    get: async (path) => ({ value: `the value of ${path}`, version: 1 }),
    probe: async () => {
      probed()
      return { version: 1 }
    },
  }
}

const intervals = 5

/** How often the store is asked in an interval of one second, however many watch. */
function watched(watchers: (scale: number) => number): Contender {
  return async ({ scale }) => {
    let probes = 0
    const secrets = createSecretsManager({ providers: [store(() => (probes += 1))] })
    const follow = { intervalSeconds: 1, onChange: (): void => {} }
    for (let each = 0; each < watchers(scale); each += 1) watchSecret(secrets, secretName, follow)
    await sleep(1_000 * scale) // until the first value is there
    return {
      round: async () => {
        probes = 0
        await sleep(intervals * 1_000 * scale)
        return { probes: probes / intervals }
      },
      close: () => secrets.close(),
    }
  }
}

export const oneWatcher: Contender = watched(() => 1)
export const manyWatchers: Contender = watched((scale) => Math.ceil(1_000 * scale))

/** What all of these names cost, once each was read. */
function held(hold: (secrets: SecretsManager, name: string) => Promise<unknown>): Contender {
  return ({ scale }: Task) => {
    const timers = countedTimers()
    const names = Array.from({ length: Math.ceil(10_000 * scale) }, (_, each) => `${secretName}-${each}`)
    return {
      round: async () => {
        const before = { memory: await memoryHeld(), timers: timers() }
        const secrets = createSecretsManager({ providers: [store(() => {})] })
        const kept = await Promise.all(names.map((name) => hold(secrets, name)))
        const memory = ((await memoryHeld()) - before.memory) * 1_024
        const sample = { memory: memory / kept.length, timers: timers() - before.timers }
        await secrets.close()
        return sample
      },
    }
  }
}

export const values: Contender = held((secrets, name) => secrets.getSecretValue(name))

export const handles: Contender = held(async (secrets, name) => {
  const handle = liveSecret(secrets, name)
  await handle.ready
  return handle
})

/** Counts the timers of this process from now on, those that keep it alive and others. */
function countedTimers(): () => number {
  const alive = new Set<number>()
  const hook = createHook({
    init: (id, type) => void (type === 'Timeout' && alive.add(id)),
    destroy: (id) => void alive.delete(id),
  })
  hook.enable()
  return () => alive.size
}
