import KeyvRedis, { createClient } from '@keyv/redis'
import { createSecretsManager, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { type RedisServer, startRedis, startValkey } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { memoryProvider } from '@finchat/secrets-testkit'
import { Redis as Valkey } from 'iovalkey'
import { Keyv } from 'keyv'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type KeyvCache, keyvCache } from './keyv-cache.ts'
import type { KeyvCacheOptions } from './options.ts'
import type { RedisClient, RedisSubscriber } from './store/redis-client.ts'
import { leastRights } from './testing/engines/redis.ts'
import { context, encryptionKey, fillGap, key, leaseTokenOf, valueIn } from './testing/fleet.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())

describeWithServer('redis', 'over Redis', () => suite(startRedis))
describeWithServer('valkey', 'over Valkey', () => suite(startValkey))

function suite(start: () => Promise<RedisServer>): void {
  async function started(): Promise<RedisServer> {
    const server = await start()
    onTestFinished(server.stop)
    return server
  }

  test('a Keyv 6 over an adapter for Keyv 5 keeps entries as long as they live', async () => {
    const server = await started()
    const adapter = new KeyvRedis<string>(server.url)
    onTestFinished(() => adapter.disconnect(true))
    const cache = keyvCache({ store: new Keyv<string>({ store: adapter as never }), encryptionKey, timeoutMs: 2_000 })
    await fillGap(cache, { value: 'v' })
    expect([await valueIn(cache), cache.stats().failures.full]).toEqual(['v', 0])
  })

  test('every key has a TTL', async () => {
    const server = await started()
    await fillGap(await cacheOver(server.url), { value: 'v' })
    const keys = (): Promise<unknown> => server.command('KEYS', '*')
    // A generation, an entry, and the key mark, which is written in the background.
    await expect.poll(keys).toHaveLength(3)
    const names = await keys()
    if (!Array.isArray(names)) throw new Error('KEYS returns a list')
    for (const name of names) expect(Number(await server.command('PTTL', String(name)))).toBeGreaterThan(0)
  })

  test('after a flush entries are filled again', async () => {
    const server = await started()
    const cache = await cacheOver(server.url)
    await fillGap(cache, { value: 'v' })
    await server.command('FLUSHALL')
    // Release the lease without an answer.
    await cache.fill(key, await leaseTokenOf(cache), undefined, context)
    await fillGap(await cacheOver(server.url), { value: 'v2' })
    expect(await valueIn(cache)).toBe('v2')
  })

  test.each(['node-redis', 'iovalkey'] as const)(
    'a subscription of %s that the rights refuse stands once they are granted, and costs no read meanwhile',
    async (family) => {
      const server = await started()
      await server.command('ACL', 'SETUSER', 'cache', 'on', '>password', ...leastRights, '-subscribe')
      const url = server.url.replace('redis://', 'redis://cache:password@')
      const subscriber = family === 'node-redis' ? await clientOf(url) : iovalkeyOf(url)
      const cache = await cacheOver(url, { client: await clientOf(url), subscriber })
      const heard: unknown[] = []
      cache.subscribe?.((each) => heard.push(each))
      await vi.waitFor(() => expect(cache.stats().failures.denied).toBeGreaterThan(0), 20_000)
      await fillGap(cache, { value: 'v' })
      expect(await valueIn(cache)).toBe('v')

      await server.command('ACL', 'SETUSER', 'cache', '+subscribe')
      const writer = await cacheOver(url, { client: await clientOf(url) })
      await vi.waitFor(
        async () => {
          await writer.invalidate(key, context)
          expect(heard.length).toBeGreaterThan(0)
        },
        { timeout: 20_000, interval: 100 },
      )
      expect(heard[0]).toEqual({ sharedAs: key.sharedAs, path: key.path })
      await cache.close()
    },
  )

  /** Two processes of a fleet that know the first value, and a snapshot of the server from then. */
  async function beforeRollback(isNumbered: boolean): Promise<{ fleet: SecretsManager[]; rollBack: () => Promise<void> }> {
    const server = await started()
    const provider = isNumbered ? memoryProvider({ sharedAs: 'store', secrets: { token: 'v1' } }) : unnumbered('v1')
    const fleet: SecretsManager[] = []
    for (let count = 0; count < 2; count += 1) {
      const shared = await cacheOver(server.url, { client: await clientOf(server.url), subscriber: await clientOf(server.url) })
      fleet.push(createSecretsManager({ providers: [provider], cache: { shared, recheckSeconds: 60 } }))
    }
    onTestFinished(async () => void (await Promise.all(fleet.map((secrets) => secrets.close()))))
    for (const secrets of fleet) expect(await secrets.getSecret('token')).toBe('v1')
    await expect.poll(() => server.command('KEYS', '*')).toHaveLength(3)
    await server.command('SAVE')
    const rollBack = async (): Promise<void> => {
      await server.kill()
      await server.start()
      await sleep(500) // until the clients are connected again
      await expect
        .poll(async () => valueIn(await cacheOver(server.url), { sharedAs: 'store', path: 'token' }), { timeout: 20_000 })
        .toBe('v1')
    }
    return { fleet, rollBack }
  }

  describe.each([
    ['with version numbers', true],
    ['without version numbers', false],
  ])('after a restart from a snapshot, over a store %s,', (_, isNumbered) => {
    test('neither who wrote nor who heard of it takes the former value', async () => {
      const { fleet, rollBack } = await beforeRollback(isNumbered)
      await fleet[0]?.rotateSecret('token', 'v2')
      await sleep(200)
      await rollBack()
      for (const secrets of fleet) {
        expect(await secrets.verifySecret('token', 'v1')).toBe(false)
        expect(await secrets.getSecret('token')).toBe('v2')
      }
    })

    test('neither who deleted nor who heard of it takes the value', async () => {
      const { fleet, rollBack } = await beforeRollback(isNumbered)
      await fleet[0]?.deleteSecret('token')
      await sleep(200)
      await rollBack()
      for (const secrets of fleet)
        await expect(secrets.getSecret('token')).rejects.toMatchObject({ code: expect.stringMatching(/^(DELETED|NOT_FOUND)$/) })
    })
  })

  test('a rotation reaches the memory of every process over publish and subscribe, long before it would probe', async () => {
    const server = await started()
    const provider = memoryProvider({ sharedAs: 'store', secrets: { token: 'v1' } })
    const fleet: SecretsManager[] = []
    for (let count = 0; count < 5; count += 1) {
      const shared = await cacheOver(server.url, { client: await clientOf(server.url), subscriber: await clientOf(server.url) })
      fleet.push(createSecretsManager({ providers: [provider], cache: { shared, recheckSeconds: 60 } }))
    }
    const read = (): Promise<string[]> => Promise.all(fleet.map((secrets) => secrets.getSecret('token')))
    expect(new Set(await read())).toEqual(new Set(['v1']))
    await fleet[0]?.rotateSecret('token', 'v2')
    await vi.waitFor(async () => expect(new Set(await read())).toEqual(new Set(['v2'])), { timeout: 20_000, interval: 10 })
    await Promise.all(fleet.map((secrets) => secrets.close()))
  })
}

/** A store of one secret. */
function unnumbered(first: string): SecretProvider {
  let value: string | undefined = first
  return {
    specificationVersion: 'v1',
    name: 'unnumbered',
    sharedAs: 'store',
    get: async () => (value === undefined ? undefined : { value }),
    put: async (_path, secret) => {
      value = String(secret.value)
      return {}
    },
    delete: async () => {
      value = undefined
      return {}
    },
  }
}

/** A process of its own, connected as the guide says, on a machine that does much else. */
async function cacheOver(url: string, options: Partial<KeyvCacheOptions> = {}): Promise<KeyvCache> {
  const adapter = new KeyvRedis<string>(url)
  onTestFinished(() => adapter.disconnect(true))
  await adapter.getClient()
  return keyvCache({ store: adapter, encryptionKey, timeoutMs: 2_000, waitMs: 3_000, ...options })
}

function iovalkeyOf(url: string): RedisSubscriber {
  const client = new Valkey(url)
  onTestFinished(() => client.disconnect())
  return client
}

async function clientOf(url: string): Promise<RedisClient & RedisSubscriber> {
  const client = createClient({ url })
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.destroy())
  return client
}
