import { createSecretsManager, type SecretProvider, SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { beforeEach, expect, test, vi } from 'vitest'
import type { KeyvCache } from '../keyv-cache.ts'
import { pause } from '../store/lifecycle.ts'
import type { RedisClient } from '../store/redis-client.ts'
import { context, entryOf, fleetOver, key, ticketOf, valueIn } from '../testing/fleet.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())

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

/** A client of a Redis that is a Map. */
function clientOver(held: Map<string, string>): RedisClient {
  return {
    get: async (place) => held.get(place) ?? null,
    del: async (place) => Number(held.delete(place)),
    publish: async () => 0,
    set: async (...[place, text]: [string, string, object]) => {
      if (held.has(place)) return null
      held.set(place, text)
      return 'OK'
    },
  }
}

test.each([
  ['by writing and reading back', false],
  ["by the server's own conditional write", true],
])('a hundred processes that start at once on ten cold secrets ask the store for each but once: %s', async (_, hasClient) => {
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
  const values = await Promise.all(fleet.map((secrets) => secrets.getSecrets(names)))
  for (const each of values) expect(new Set(Object.values(each))).toEqual(new Set(['v1']))
  expect(provider.calls()).toBeLessThanOrEqual(1.2 * names.length)
  await Promise.all(fleet.map((secrets) => secrets.close()))
})

test.each([false, true])('the holder of the turn dies: another has it when its lease is over (client: %s)', async (hasClient) => {
  const { store, another } = fleetOver(undefined, { waitMs: 400 })
  const client = clientOver(store.held)
  const [dead, waiting] = [another(hasClient ? { client } : {}), another(hasClient ? { client } : {})]
  expect(await ticketOf(dead)).toHaveProperty('turn')
  if (hasClient)
    setTimeout(() => [...store.held.keys()].filter((place) => /\}t/.test(place)).forEach((place) => store.held.delete(place)), 200)
  const begun = performance.now()
  expect(await ticketOf(waiting)).toHaveProperty('turn')
  expect(performance.now() - begun).toBeGreaterThan(150)
})

test('who waits takes the answer that the holder of the turn brings', async () => {
  const { another } = fleetOver(undefined, { waitMs: 5_000 })
  const [holder, waiting] = [another(), another()]
  const ticket = await ticketOf(holder)
  const reading = valueIn(waiting)
  await pause(30)
  await holder.fill(key, ticket, entryOf({ value: 'v1' }), context)
  expect(await reading).toBe('v1')
  expect(waiting.stats()).toMatchObject({ hits: 1, waits: 1, misses: 0 })
})

test('no answer came: the turn is handed back at once, and the next who waits has it', async () => {
  const { another } = fleetOver(undefined, { waitMs: 5_000 })
  const [holder, waiting] = [another(), another()]
  const ticket = await ticketOf(holder)
  const reading = ticketOf(waiting)
  await pause(10)
  await holder.fill(key, ticket, undefined, context)
  expect(await reading).toHaveProperty('turn')
})

test('where the store fails everybody, nobody waits for long, and nobody is in the way of another', async () => {
  const { another } = fleetOver(undefined, { waitMs: 2_000, timeoutMs: 10_000 })
  const provider = countedProvider(async () => {
    await pause(5)
    throw new SecretsError('UNAVAILABLE', 'down')
  })
  const fleet = managersOver(
    Array.from({ length: 20 }, () => another()),
    provider,
  )
  const answers = await Promise.allSettled(fleet.map((secrets) => secrets.getSecret('token')))
  expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(20)
  expect(provider.calls()).toBe(20)
})

test('a denial to one process costs the others nothing: the next asks for itself', async () => {
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
  const answers = await Promise.allSettled(fleet.map((secrets) => secrets.getSecret('token')))
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(9)
  expect(provider.calls()).toBe(2)
})

test('who would wait for too long asks without the turn, and may fill all the same', async () => {
  const { another } = fleetOver(undefined, { waitMs: 0 })
  const [holder, other] = [another(), another()]
  await ticketOf(holder)
  const ticket = await ticketOf(other)
  expect(ticket).not.toHaveProperty('turn')
  await other.fill(key, ticket, entryOf({ value: 'v1' }), context)
  expect(await valueIn(other)).toBe('v1')
})

test('an aborted read hands its turn back', async () => {
  const { another } = fleetOver(undefined, { settleMs: 30 })
  const controller = new AbortController()
  const reading = another().read(key, { signal: controller.signal })
  await pause(5)
  controller.abort()
  expect(await reading).toEqual({ ticket: {} })
  expect(await ticketOf(another({ waitMs: 0 }))).toHaveProperty('turn')
})
