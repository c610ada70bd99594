import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { type Nats, startNats, startTcpProxy, type TcpProxy } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { memoryProvider, testSecretCache } from '@finchat/secrets-testkit'
import { Kvm, type KvWatchEntry } from '@nats-io/kv'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { type KeyvCache, keyvCache } from '../keyv-cache.ts'
import type { KeyvCacheOptions } from '../options.ts'
import { context, encryptionKey, fillGap, key, leaseTokenOf, valueIn } from '../testing/fleet.ts'
import type { NatsBuckets } from './client.ts'
import { createCacheBucket, natsConnections, type NatsConnections } from './connections.ts'
import { NatsTexts } from './texts.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())

const canary = 'canary-81c3'
const patient = { timeoutMs: 2_000 }
const usual = 'finchat_secrets_cache'

describeWithServer('nats', 'over NATS', () => {
  let nats: Nats
  let proxy: TcpProxy
  let admin: NatsConnection
  const users = `
    max_payload: 200000
    no_auth_user: app
    accounts: { A: { jetstream: enabled, users: [
      { user: app, password: app }
      { user: reader, password: reader, permissions: { publish: ["$JS.API.INFO", "$JS.API.STREAM.MSG.GET.KV_${usual}"], subscribe: "_INBOX.>" } }
      { user: maker, password: maker, permissions: {
        publish: ["$JS.API.INFO", "$JS.API.STREAM.INFO.KV_${usual}", "$JS.API.STREAM.CREATE.KV_${usual}"], subscribe: "_INBOX.>" } }
      { user: least, password: least, permissions: {
        publish: ["$JS.API.INFO", "$JS.API.STREAM.MSG.GET.KV_${usual}", "$KV.${usual}.>", "finchat_secrets.>"]
        subscribe: ["_INBOX.>", "finchat_secrets.>"] } }
    ] } }`
  beforeAll(async () => {
    nats = await startNats({ config: users })
    proxy = await startTcpProxy(nats.url.replace('nats:', 'http:'))
    admin = await connected()
  })
  beforeEach(async () => {
    await proxy.accept().catch(() => {})
    await emptied()
  })
  afterAll(async () => {
    await admin.close()
    await proxy.stop()
    await nats.stop()
  })

  async function emptied(): Promise<void> {
    const buckets = new Kvm(admin)
    await createCacheBucket(buckets)
    await (await buckets.open(usual)).destroy()
    await createCacheBucket(buckets)
  }

  function connected(servers: string = nats.url, login: { readonly user?: string; readonly pass?: string } = {}): Promise<NatsConnection> {
    return connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 50, ...login })
  }

  /** Closed after the test. */
  async function opened(servers?: string, user?: string): Promise<NatsConnection> {
    const connection = await connected(servers, user === undefined ? {} : { user, pass: user })
    onTestFinished(() => connection.close())
    return connection
  }

  async function textsOf(): Promise<NatsTexts> {
    return new NatsTexts(new Kvm(await opened()), usual)
  }

  interface CacheOptions extends Partial<KeyvCacheOptions> {
    readonly servers?: string
    readonly user?: string
  }

  /** Closed after the test, before its connection. */
  async function cacheOver({ servers, user, ...options }: CacheOptions = {}): Promise<KeyvCache> {
    const connection = await opened(servers, user)
    const cache = keyvCache({ ...natsConnections(connection, new Kvm(connection)), encryptionKey, ...patient, ...options })
    onTestFinished(() => cache.close())
    return cache
  }

  function managerOver(shared: KeyvCache, provider: ReturnType<typeof memoryProvider>): SecretsManager {
    const secrets = createSecretsManager({ providers: [provider], cache: { shared, recheckSeconds: 1 } })
    onTestFinished(() => secrets.close())
    return secrets
  }

  async function heldEntries(): Promise<readonly KvWatchEntry[]> {
    const bucket = await new Kvm(admin).open(usual)
    const entries: KvWatchEntry[] = []
    for await (const entry of await bucket.history()) entries.push(entry)
    return entries
  }

  test.each(['', 'a b', 'a.b', 'a*', '>', 'a'.repeat(201)])('a bucket cannot be named %j', async (bucket) => {
    const buckets = new Kvm(admin)
    expect(() => natsConnections(admin, buckets, { bucket })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    await expect(createCacheBucket(buckets, { bucket })).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  test('what is no connection or no Kvm, and a misspelt option, are refused', async () => {
    const buckets = new Kvm(admin)
    const calls: (() => NatsConnections)[] = [
      () => natsConnections({} as never, buckets),
      () => natsConnections(admin, {} as never),
      () => natsConnections(admin, admin as never),
      () => natsConnections(admin, buckets, { bukket: 'a' } as never),
    ]
    for (const call of calls) expect(call).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    await expect(createCacheBucket({} as never)).rejects.toMatchObject({ code: 'CONFIGURATION' })
    await expect(createCacheBucket(buckets, { replicas: 0 })).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  testSecretCache({
    test,
    createHarness: async () => {
      const connections = await Promise.all([connected(), connected()])
      let isBroken = false
      const breakable = <T extends object>(given: T): T =>
        new Proxy(given, {
          get: (target, member) => {
            const found: unknown = Reflect.get(target, member)
            if (typeof found === 'object' && found !== null) return breakable(found)
            if (typeof found !== 'function') return found
            return (...args: unknown[]) => {
              if (isBroken) throw new Error('down')
              const answer: unknown = Reflect.apply(found, target, args)
              return member === 'open' ? Promise.resolve(answer).then((bucket) => breakable(bucket as object)) : answer
            }
          },
        })
      const [cache, another] = connections.map((connection) =>
        keyvCache({
          ...natsConnections(breakable(connection), breakable(new Kvm(connection) as NatsBuckets)),
          encryptionKey,
          timeoutMs: 500,
          waitMs: 600,
        }),
      ) as [KeyvCache, KeyvCache] // one of each
      const breakCache = async (): Promise<() => Promise<void>> => {
        isBroken = true
        return async () => void (isBroken = false)
      }
      const close = async (): Promise<void> => void (await Promise.all(connections.map((connection) => connection.close())))
      return { cache, another, breakCache, close }
    },
  })

  test('many processes may create the bucket at once', async () => {
    const buckets = new Kvm(admin)
    await (await buckets.open(usual)).destroy()
    await expect(Promise.all(Array.from({ length: 8 }, () => createCacheBucket(buckets)))).resolves.toHaveLength(8)
  })

  test('a bucket whose keys have no time to live is refused', async () => {
    const buckets = new Kvm(admin)
    const bucket = await buckets.create('without_ttl')
    onTestFinished(async () => void (await bucket.destroy()))
    await expect(createCacheBucket(buckets, { bucket: 'without_ttl' })).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  test('of twenty processes one gets the fill lease, and another one when its time is over or it was released', async () => {
    const texts = await textsOf()
    const claims = await Promise.all(Array.from({ length: 20 }, (_, n) => texts.add('lease', `${n}`, 200)))
    expect(claims.filter(Boolean)).toHaveLength(1)
    await expect.poll(() => texts.add('lease', 'next', 60_000), { timeout: 5_000 }).toBe(true)
    expect(await texts.add('lease', 'other', 60_000)).toBe(false)
    await texts.delete('lease')
    expect(await texts.getMany(['lease'])).toEqual([undefined])
    expect(await texts.add('lease', 'another', 60_000)).toBe(true)
  })

  test(
    'a text that replaces another has a time to live, and nothing stays of what was deleted or has ended',
    { timeout: 60_000 },
    async () => {
      const texts = await textsOf()
      await texts.set('replaced', 'long', 60_000)
      await texts.set('replaced', 'short', 1_900)
      await texts.set('deleted', 'text', 60_000)
      await texts.delete('deleted')
      await texts.delete('never there')
      expect(await texts.getMany(['replaced', 'deleted'])).toEqual(['short', undefined])
      await expect.poll(() => texts.getMany(['replaced']), { timeout: 5_000 }).toEqual([undefined])
      const held = async (): Promise<string[]> => (await heldEntries()).map((entry) => `${entry.key} ${entry.operation}`)
      // A server removes its own marks of ended keys late, now and then.
      await expect.poll(held, { timeout: 50_000, interval: 500 }).toEqual([])
    },
  )

  test('the bucket reveals no name, value or namespace', async () => {
    const cache = await cacheOver({ namespace: 'payments', keyPrefix: 'a.b:c-' })
    await fillGap(cache, { value: canary, revision: canary })
    expect(await valueIn(cache)).toBe(canary)
    const entries = await heldEntries()
    expect(entries.length).toBeGreaterThan(1)
    const text = entries.map((entry) => `${entry.key} ${entry.string()}`).join('\n')
    for (const word of [canary, 'database', 'prod', 'aws', 'payments', 'revision'])
      for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const)
        expect(text).not.toContain(Buffer.from(word).toString(encoding).replace(/=+$/, ''))
  })

  test('a value beyond the limit of the server is not shared, is counted as full, and stops nothing else', async () => {
    const cache = await cacheOver()
    const secrets = managerOver(cache, memoryProvider({ sharedAs: 'store', secrets: { large: canary.repeat(20_000), small: 'small' } }))
    for (let n = 0; n < 4; n += 1) expect(await secrets.getSecret('large', { fresh: true })).toBe(canary.repeat(20_000))
    expect(await secrets.getSecret('small')).toBe('small')
    await vi.waitFor(() => expect(cache.stats()).toMatchObject({ failures: { full: 4 }, fills: 1, isCoolingDown: false }))
  })

  test('a full bucket is counted as full, and its invalidation is not confirmed', async () => {
    const connection = await opened()
    const buckets = new Kvm(connection)
    const bucket = await buckets.create('small', { markerTTL: 1_000, max_bytes: 100 })
    onTestFinished(async () => void (await bucket.destroy()))
    const cache = keyvCache({ ...natsConnections(connection, buckets, { bucket: 'small' }), encryptionKey, ...patient })
    onTestFinished(() => cache.close())
    await expect(cache.invalidate(key, context)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(cache.stats().failures.full).toBe(3)
  })

  test('usage marks are kept, and never known to be complete', async () => {
    const { usage } = await cacheOver()
    await usage?.register(key, { process: 'one', count: 1, host: 'host', since: Date.now(), uses: [{ version: 1 }] }, context)
    const marks = await usage?.read(key, context)
    expect(marks?.marks.map(({ process }) => process)).toEqual(['one'])
    expect(marks?.completeSince).toBeUndefined()
  })

  test('an invalidation reaches other processes, also after the connection was lost', async () => {
    const [one, other] = [await cacheOver(), await cacheOver({ servers: proxy.url.replace('http:', 'nats:') })]
    const heard: string[] = []
    other.subscribe?.(({ path }) => heard.push(path))
    const isHeard = async (path: string): Promise<boolean> => {
      await one.invalidate({ ...key, path }, context)
      return heard.includes(path)
    }
    await expect.poll(() => isHeard('first'), { timeout: 10_000 }).toBe(true)
    proxy.cut()
    await expect.poll(() => isHeard('second'), { timeout: 10_000, interval: 200 }).toBe(true)
  })

  test('a user without rights is counted as denied, and reads ask the provider', async () => {
    const cache = await cacheOver({ user: 'reader' })
    const secrets = managerOver(cache, memoryProvider({ sharedAs: 'store', secrets: { database: canary } }))
    expect(await secrets.getSecret('database')).toBe(canary)
    cache.subscribe?.(() => {})
    await vi.waitFor(() => expect(cache.stats()).toMatchObject({ failures: { denied: 2 } }))
  })

  test('the documented rights are enough', async () => {
    await (await new Kvm(admin).open(usual)).destroy()
    await createCacheBucket(new Kvm(await opened(nats.url, 'maker')))
    const [one, other] = [await cacheOver({ user: 'least' }), await cacheOver({ user: 'least' })]
    const heard: string[] = []
    other.subscribe?.(({ path }) => heard.push(path))
    await fillGap(one, { value: canary })
    expect(await valueIn(other)).toBe(canary)
    const isHeard = async (): Promise<boolean> => one.invalidate(key, context).then(() => heard.includes(key.path))
    await expect.poll(isHeard, { timeout: 10_000 }).toBe(true)
    expect([one, other].map((cache) => cache.stats().failures.denied)).toEqual([0, 0])
  })

  test.each<[string, () => Promise<void>, () => Promise<void>]>([
    ['is killed and starts again', () => nats.kill(), () => nats.start()],
    ['does not answer', async () => nats.signal('SIGSTOP'), async () => nats.signal('SIGCONT')],
    ['refuses connections', () => proxy.refuse(), () => proxy.accept()],
    ['resets them', async () => proxy.cut(), async () => {}],
    [
      'cuts its answers',
      async () => {
        proxy.cutReplies(3)
        proxy.cut()
      },
      async () => {
        proxy.cutReplies(undefined)
        proxy.cut()
      },
    ],
    ['lost its bucket', async () => void (await (await new Kvm(admin).open(usual)).destroy()), () => createCacheBucket(new Kvm(admin))],
  ])('while the server %s no read fails or is wrong, and afterwards it is used again', { timeout: 60_000 }, async (_, begin, end) => {
    const provider = memoryProvider({ sharedAs: 'store', secrets: { database: 'v1', other: 'v1' } })
    const over = { timeoutMs: 200, coolDownMs: 300, servers: proxy.url.replace('http:', 'nats:') }
    const caches = [await cacheOver(over), await cacheOver(over)] as const
    const [one, other] = [managerOver(caches[0], provider), managerOver(caches[1], provider)]
    await one.getSecret('database')
    await other.getSecret('database')
    await begin()
    await one.rotateSecret('database', 'v2').catch(() => {})
    for (let n = 0; n < 10; n += 1) {
      expect(await one.getSecret('database')).toBe('v2')
      expect(['v1', 'v2']).toContain(await other.getSecret('database'))
      expect(await other.getSecret('other', { fresh: true })).toBe('v1')
    }
    await end()
    const isUsed = async (): Promise<boolean> => {
      await fillGap(caches[0], { value: 'again' }).catch(() => {})
      return (await valueIn(caches[1])) === 'again'
    }
    await expect.poll(isUsed, { timeout: 20_000, interval: 200 }).toBe(true)
    const isNew = async (): Promise<string> => (await one.getSecret('database')) && other.getSecret('database')
    await expect.poll(isNew, { timeout: 20_000, interval: 200 }).toBe('v2')
  })

  test('a lease of a process that died is granted anew', async () => {
    const [dead, next] = [await cacheOver({ waitMs: 400 }), await cacheOver({ waitMs: 8_000 })]
    expect(await leaseTokenOf(dead)).toHaveProperty('lease')
    expect(await leaseTokenOf(next)).toHaveProperty('lease')
  })
})
