import { memoryProvider } from '@finchat/secrets-testkit'
import { Kvm, type KvWatchEntry } from '@nats-io/kv'
import { expect, onTestFinished, test, vi } from 'vitest'
import { context, fillGap, key, valueIn } from '../testing/fleet.ts'
import { natsKind, usual } from '../testing/engines/nats.ts'
import { testEngine } from '../testing/engines/suite.ts'
import { createCacheBucket, natsConnections, type NatsConnections } from './connections.ts'
import { NatsTexts } from './texts.ts'

const canary = 'canary-81c3'

testEngine(natsKind, ({ engine, cacheOver, managerOver }) => {
  const kvm = (): Kvm => new Kvm(engine().admin)

  async function heldEntries(): Promise<readonly KvWatchEntry[]> {
    const bucket = await kvm().open(usual)
    const entries: KvWatchEntry[] = []
    for await (const entry of await bucket.history()) entries.push(entry)
    return entries
  }

  test.each(['', 'a b', 'a.b', 'a*', '>', 'a'.repeat(201)])('a bucket cannot be named %j', async (bucket) => {
    expect(() => natsConnections(engine().admin, kvm(), { bucket })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    await expect(createCacheBucket(kvm(), { bucket })).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  test('what is no connection or no Kvm, and a misspelt option, are refused', async () => {
    const { admin } = engine()
    const calls: (() => NatsConnections)[] = [
      () => natsConnections({} as never, kvm()),
      () => natsConnections(admin, {} as never),
      () => natsConnections(admin, admin as never),
      () => natsConnections(admin, kvm(), { bukket: 'a' } as never),
    ]
    for (const call of calls) expect(call).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    await expect(createCacheBucket({} as never)).rejects.toMatchObject({ code: 'CONFIGURATION' })
    await expect(createCacheBucket(kvm(), { replicas: 0 })).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  test('many processes may create the bucket at once, and again though an administrator has limited it', async () => {
    await (await kvm().open(usual)).destroy()
    await expect(Promise.all(Array.from({ length: 8 }, () => createCacheBucket(kvm())))).resolves.toHaveLength(8)
    const { streams } = await kvm().js.jetstreamManager()
    await streams.update(`KV_${usual}`, { max_bytes: 1_000_000 })
    await createCacheBucket(kvm())
  })

  test.each([
    ['without times to live', {}, /no time to live/],
    ['with markers of ended keys', { markerTTL: 1_000 }, /markers/],
  ] as const)('a bucket %s is refused', async (_, options, message) => {
    const bucket = await kvm().create('other', options)
    onTestFinished(async () => void (await bucket.destroy()))
    await expect(createCacheBucket(kvm(), { bucket: 'other' })).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringMatching(message),
    })
  })

  test('the right to create the bucket is enough for that', async () => {
    await (await kvm().open(usual)).destroy()
    const connection = await engine().connect('maker')
    onTestFinished(() => connection.close())
    for (let n = 0; n < 2; n += 1) await expect(createCacheBucket(new Kvm(connection))).resolves.toBeUndefined()
  })

  test('a text that replaces another has a time to live, and nothing stays of what was deleted or has ended', async () => {
    const texts = new NatsTexts(kvm(), usual)
    await texts.set('replaced', 'long', 60_000)
    await texts.set('replaced', 'short', 1_900)
    await texts.set('deleted', 'text', 60_000)
    await texts.delete('deleted')
    await texts.delete('never there')
    expect(await texts.getMany(['replaced', 'deleted'])).toEqual(['short', undefined])
    await expect.poll(() => texts.getMany(['replaced'])).toEqual([undefined])
    const held = async (): Promise<string[]> => (await heldEntries()).map((entry) => `${entry.key} ${entry.operation}`)
    await expect.poll(held).toEqual([])
  })

  test('a lease can be claimed at any time after its release, also while the mark of that ends', { timeout: 60_000 }, async () => {
    const texts = new NatsTexts(kvm(), usual)
    const claims = await Promise.all(
      Array.from({ length: 3_000 }, async (_, n) => {
        await texts.set(`${n}`, 'former', 60_000)
        await texts.delete(`${n}`)
        // By the clock of the server, which ends the mark after a second.
        await new Promise((resolve) => setTimeout(resolve, n % 1_500))
        return texts.add(`${n}`, 'next', 60_000)
      }),
    )
    expect(claims.filter((isGranted) => !isGranted)).toEqual([])
  })

  test('a key prefix with characters that NATS does not allow in names can be used', async () => {
    const cache = await cacheOver({ keyPrefix: 'a.b:c-' })
    await fillGap(cache, { value: canary })
    expect(await valueIn(cache)).toBe(canary)
    expect((await heldEntries()).every((entry) => entry.key.startsWith('a=002eb=003ac-'))).toBe(true)
  })

  test('a value beyond the limit of the server is not shared, is counted as full, and stops nothing else', async () => {
    const cache = await cacheOver()
    const secrets = managerOver(cache, memoryProvider({ sharedAs: 'store', secrets: { large: canary.repeat(20_000), small: 'small' } }))
    for (let n = 0; n < 4; n += 1) expect(await secrets.getSecret('large', { fresh: true })).toBe(canary.repeat(20_000))
    expect(await secrets.getSecret('small')).toBe('small')
    await vi.waitFor(() => expect(cache.stats()).toMatchObject({ failures: { full: 4 }, fills: 1, isCoolingDown: false }), 20_000)
  })

  test('usage marks are kept, and never known to be complete', async () => {
    const { usage } = await cacheOver()
    await usage?.register(key, { process: 'one', count: 1, host: 'host', since: Date.now(), uses: [{ version: 1 }] }, context)
    const marks = await usage?.read(key, context)
    expect(marks?.marks.map(({ process }) => process)).toEqual(['one'])
    expect(marks?.completeSince).toBeUndefined()
  })

  test('a denied subscription is counted', async () => {
    const cache = await cacheOver({ user: 'reader' })
    cache.subscribe?.(() => {})
    await vi.waitFor(() => expect(cache.stats()).toMatchObject({ failures: { denied: 1 } }), 20_000)
  })
})
