import { createSecretsManager, type SecretProvider, SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { KeyvCache } from '../keyv-cache.ts'
import { pause } from '@finchat/secrets-core/provider'
import type { RedisClient } from '../store/redis-client.ts'
import { context, entryOf, fleetOver, key, leaseTokenOf, valueIn } from '../testing/fleet.ts'

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(process, 'emitWarning').mockReturnValue()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Advances the fake clock until the promise settles. */
async function elapsed<T>(running: Promise<T>): Promise<T> {
  const state = { isSettled: false }
  const settle = (): void => void (state.isSettled = true)
  running.then(settle, settle)
  for (let ms = 0; !state.isSettled && ms < 60_000; ms += 1) await vi.advanceTimersByTimeAsync(1)
  return running
}

interface CountedProvider extends SecretProvider {
  readonly calls: () => number
}

function countedProvider(answer: (call: number) => Promise<string>): CountedProvider {
  let calls = 0
  return {
    specificationVersion: 'v1',
    name: 'store',
    sharedAs: 'store',
    get: async () => ({ value: await answer((calls += 1)) }),
    calls: () => calls,
  }
}

function managersOver(caches: readonly KeyvCache[], provider: SecretProvider): SecretsManager[] {
  return caches.map((shared) => createSecretsManager({ providers: [provider], cache: { shared }, deadlineMs: 60_000 }))
}

/** A Redis client over a Map. */
function clientOver(held: Map<string, string>): RedisClient {
  return {
    get: async (name) => held.get(name) ?? null,
    del: async (name) => Number(held.delete(name)),
    publish: async () => 0,
    set: async (...[name, text]: [string, string, object]) => {
      if (held.has(name)) return null
      held.set(name, text)
      return 'OK'
    },
  }
}

test.each([
  ['by writing and reading back', false],
  ["by the server's own conditional write", true],
])('a hundred processes that start together read each of ten cold secrets from the provider once: %s', async (_, hasClient) => {
  const { store, another } = fleetOver(undefined, { settleMs: 25, waitMs: 20_000, timeoutMs: 10_000 })
  const client = clientOver(store.held)
  const provider = countedProvider(async () => {
    await pause(20)
    return 'v1'
  })
  const fleet = managersOver(
    Array.from({ length: 100 }, () => another(hasClient ? { client } : {})),
    provider,
  )
  const names = Array.from({ length: 10 }, (__, index) => `secret-${index}`)
  const values = await elapsed(Promise.all(fleet.map((secrets) => secrets.getSecrets(names))))
  for (const each of values) expect(new Set(Object.values(each))).toEqual(new Set(['v1']))
  expect(provider.calls()).toBeLessThanOrEqual(1.2 * names.length)
  await elapsed(Promise.all(fleet.map((secrets) => secrets.close())))
})

test.each([false, true])('another process gets the lease of a holder that died when it expires (client: %s)', async (hasClient) => {
  const { store, another } = fleetOver(undefined, { waitMs: 400 })
  const client = clientOver(store.held)
  const [dead, waiting] = [another(hasClient ? { client } : {}), another(hasClient ? { client } : {})]
  expect(await elapsed(leaseTokenOf(dead))).toHaveProperty('lease')
  if (hasClient) setTimeout(() => [...store.held.keys()].filter((name) => /\}t/.test(name)).forEach((name) => store.held.delete(name)), 200)
  const begun = performance.now()
  expect(await elapsed(leaseTokenOf(waiting))).toHaveProperty('lease')
  expect(performance.now() - begun).toBeGreaterThan(150)
})

test('a waiting read takes the answer of the lease holder', async () => {
  const { another } = fleetOver(undefined, { waitMs: 5_000 })
  const [holder, waiting] = [another(), another()]
  const leaseToken = await elapsed(leaseTokenOf(holder))
  const reading = valueIn(waiting)
  await vi.advanceTimersByTimeAsync(30)
  await elapsed(holder.fill(key, leaseToken, entryOf({ value: 'v1' }), context))
  expect(await elapsed(reading)).toBe('v1')
  expect(waiting.stats()).toMatchObject({ hits: 1, waits: 1, misses: 0 })
})

test('a holder without an answer releases the lease, and a waiting process gets it', async () => {
  const { another } = fleetOver(undefined, { waitMs: 5_000 })
  const [holder, waiting] = [another(), another()]
  const leaseToken = await elapsed(leaseTokenOf(holder))
  const reading = leaseTokenOf(waiting)
  await vi.advanceTimersByTimeAsync(10)
  await elapsed(holder.fill(key, leaseToken, undefined, context))
  expect(await elapsed(reading)).toHaveProperty('lease')
})

test('if the provider fails for every process, each asks it once and none waits long', async () => {
  const { another } = fleetOver(undefined, { waitMs: 2_000, timeoutMs: 10_000 })
  const provider = countedProvider(async () => {
    await pause(5)
    throw new SecretsError('UNAVAILABLE', 'down')
  })
  const fleet = managersOver(
    Array.from({ length: 20 }, () => another()),
    provider,
  )
  const begun = performance.now()
  const answers = await elapsed(Promise.allSettled(fleet.map((secrets) => secrets.getSecret('token'))))
  expect(performance.now() - begun).toBeLessThan(2_000)
  expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(20)
  expect(provider.calls()).toBe(20)
})

test('a denial to one process affects no other: the next one asks by itself', async () => {
  const { another } = fleetOver(undefined, { waitMs: 5_000, timeoutMs: 10_000 })
  const provider = countedProvider(async (call) => {
    await pause(20)
    if (call === 1) throw new SecretsError('PERMISSION_DENIED', 'no')
    return 'v1'
  })
  const fleet = managersOver(
    Array.from({ length: 10 }, () => another()),
    provider,
  )
  const answers = await elapsed(Promise.allSettled(fleet.map((secrets) => secrets.getSecret('token'))))
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(9)
  expect(provider.calls()).toBe(2)
})

test('a read whose wait is over asks without the lease, and may fill', async () => {
  const { another } = fleetOver(undefined, { waitMs: 0 })
  const [holder, other] = [another(), another()]
  await elapsed(leaseTokenOf(holder))
  const leaseToken = await elapsed(leaseTokenOf(other))
  expect(leaseToken).not.toHaveProperty('lease')
  await elapsed(other.fill(key, leaseToken, entryOf({ value: 'v1' }), context))
  expect(await elapsed(valueIn(other))).toBe('v1')
})

test('an aborted read releases its lease', async () => {
  const { another } = fleetOver(undefined, { settleMs: 30 })
  const controller = new AbortController()
  const reading = another().read(key, { signal: controller.signal })
  await vi.advanceTimersByTimeAsync(5)
  controller.abort()
  expect(await elapsed(reading)).toMatchObject({ leaseToken: {} })
  expect(await elapsed(leaseTokenOf(another({ waitMs: 0 })))).toHaveProperty('lease')
})
