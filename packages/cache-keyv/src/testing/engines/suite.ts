import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { memoryProvider, testSecretCache } from '@finchat/secrets-testkit'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { type KeyvCache, keyvCache } from '../../keyv-cache.ts'
import type { KeyvCacheOptions } from '../../options.ts'
import { setIfAbsent } from '../../store/redis-client.ts'
import { context, encryptionKey, fillGap, key, leaseTokenOf, valueIn } from '../fleet.ts'
import { type Connections, type Engine, type EngineKind, type EngineUser, networkFaults } from './engine.ts'
import { harnessOver } from './harness.ts'
import { textsModel } from './texts-model.ts'

const canary = 'canary-81c3'

/** What the tests of one engine use. */
export interface EngineTests<E extends Engine> {
  readonly engine: () => E
  /** Closed after the test. */
  readonly opened: (user?: EngineUser) => Promise<Connections>
  /** Closed after the test, before its connections. */
  readonly cacheOver: (options?: Partial<KeyvCacheOptions> & { readonly user?: EngineUser }) => Promise<KeyvCache>
  readonly managerOver: (shared: KeyvCache, provider: ReturnType<typeof memoryProvider>) => SecretsManager
}

/** What every engine must do, and the tests of one alone. */
export function testEngine<E extends Engine>(kind: EngineKind<E>, own: (tests: EngineTests<E>) => void = () => {}): void {
  describeWithServer(kind.name, `over ${kind.title}`, () => {
    let engine: E | undefined
    const tests = testsOver(() => engine as E) // it is started before a test
    beforeAll(async () => void (engine = await kind.start()))
    beforeEach(async () => {
      vi.spyOn(process, 'emitWarning').mockReturnValue()
      await tests.engine().proxy.accept()
      await tests.engine().empty()
    })
    afterAll(async () => {
      await engine?.proxy.stop()
      await engine?.stop()
    })
    testSecretCache({ test, createHarness: () => harnessOver(() => tests.engine().open()) })
    textsModel(tests)
    testAlone(tests)
    testFaults(kind, tests)
    own(tests)
  })
}

function testsOver<E extends Engine>(engine: () => E): EngineTests<E> {
  const opened = async (user?: EngineUser): Promise<Connections> => {
    const { connections, close } = await engine().open(user)
    onTestFinished(close)
    return connections
  }
  return {
    engine,
    opened,
    cacheOver: async ({ user, ...options } = {}) => {
      const cache = keyvCache({ ...(await opened(user)), encryptionKey, timeoutMs: 2_000, ...options })
      onTestFinished(() => cache.close())
      return cache
    },
    managerOver: (shared, provider) => {
      const secrets = createSecretsManager({ providers: [provider], cache: { shared, recheckSeconds: 1 } })
      onTestFinished(() => secrets.close())
      return secrets
    },
  }
}

function testAlone({ engine, opened, cacheOver, managerOver }: EngineTests<Engine>): void {
  test('of twenty processes one gets the fill lease, and another one when its time is over or it was released', async () => {
    const { client } = await opened()
    const add = (text: string, ttlMs: number): Promise<boolean> => setIfAbsent(client, 'fs1:lease', text, ttlMs)
    const claims = await Promise.all(Array.from({ length: 20 }, (_, n) => add(`${n}`, 500)))
    expect(claims.filter(Boolean)).toHaveLength(1)
    await expect.poll(() => add('next', 60_000)).toBe(true)
    expect(await add('other', 60_000)).toBe(false)
    await client.del('fs1:lease')
    expect(await client.get('fs1:lease')).toBeNull()
    expect(await add('another', 60_000)).toBe(true)
  })

  test('the server learns no name, value or namespace', async () => {
    const cache = await cacheOver({ namespace: 'payments' })
    await fillGap(cache, { value: canary, revision: canary })
    expect(await valueIn(cache)).toBe(canary)
    const contents = await engine().contents()
    expect(contents.includes('fs1')).toBe(true)
    // Shorter words stand in random text by chance.
    for (const word of [canary, 'database', 'payments', 'revision'])
      for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const)
        expect(contents.includes(Buffer.from(word).toString(encoding).replace(/=+$/, ''))).toBe(false)
  })

  test('an invalidation reaches other processes, also after the connections were lost', async () => {
    const [one, other] = [await cacheOver(), await cacheOver()]
    const heard: string[] = []
    other.subscribe?.(({ path }) => heard.push(path))
    const isHeard = async (path: string): Promise<boolean> => {
      await one.invalidate({ ...key, path }, context).catch(() => {})
      return heard.includes(path)
    }
    await expect.poll(() => isHeard('first'), { timeout: 10_000 }).toBe(true)
    engine().proxy.cut()
    await expect.poll(() => isHeard('second'), { timeout: 20_000, interval: 200 }).toBe(true)
  })

  test('the documented rights are enough', async () => {
    const over = { user: 'least', timeoutMs: 10_000 } as const
    const [one, other] = [await cacheOver(over), await cacheOver(over)]
    const heard: string[] = []
    other.subscribe?.(({ path }) => heard.push(path))
    await fillGap(one, { value: canary })
    expect(await valueIn(other)).toBe(canary)
    const isHeard = async (): Promise<boolean> => one.invalidate(key, context).then(() => heard.includes(key.path))
    await expect.poll(isHeard, { timeout: 10_000 }).toBe(true)
    for (const cache of [one, other]) expect(cache.stats().failures).toEqual({ timeout: 0, denied: 0, full: 0, failed: 0 })
  })

  test('a missing right is counted as denied and warned of, and reads ask the provider', async () => {
    const cache = await cacheOver({ user: 'reader' })
    const secrets = managerOver(cache, memoryProvider({ sharedAs: 'store', secrets: { database: canary } }))
    expect(await secrets.getSecret('database')).toBe(canary)
    await expect(cache.invalidate(key, context)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(cache.stats().failures.denied).toBeGreaterThan(0)
    expect(process.emitWarning).toHaveBeenCalledWith(expect.stringMatching(/lacks a right/), expect.anything())
  })

  test('a full server is counted as full, fails invalidations, and hits go on', async () => {
    const cache = await cacheOver()
    await fillGap(cache, { value: canary })
    await engine().setFull(true)
    onTestFinished(async () => void (await engine().setFull(false)))
    expect(await valueIn(cache)).toBe(canary)
    await expect(cache.invalidate({ ...key, path: 'another' }, context)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(cache.stats().failures).toMatchObject({ full: 3, failed: 0 })
  })

  test('a lease of a process that died is granted anew', async () => {
    const [dead, next] = [await cacheOver({ waitMs: 400 }), await cacheOver({ waitMs: 8_000 })]
    expect(await leaseTokenOf(dead)).toHaveProperty('lease')
    expect(await leaseTokenOf(next)).toHaveProperty('lease')
  })
}

function testFaults<E extends Engine>(kind: EngineKind<E>, { engine, cacheOver, managerOver }: EngineTests<E>): void {
  const faults = [...kind.faults, ...networkFaults]
  test.each(faults)(
    'while the server %s no read fails or is wrong, and afterwards it is used again',
    { timeout: 60_000 },
    async (_, begin, end) => {
      const provider = memoryProvider({ sharedAs: 'store', secrets: { database: 'v1', other: 'v1' } })
      const over = { timeoutMs: 200, coolDownMs: 300 }
      const caches = [await cacheOver(over), await cacheOver(over)] as const
      const [one, other] = [managerOver(caches[0], provider), managerOver(caches[1], provider)]
      await one.getSecret('database')
      await other.getSecret('database')
      await begin(engine())
      await one.rotateSecret('database', 'v2').catch(() => {})
      for (let n = 0; n < 10; n += 1) {
        expect(await one.getSecret('database')).toBe('v2')
        expect(['v1', 'v2']).toContain(await other.getSecret('database'))
        expect(await other.getSecret('other', { fresh: true })).toBe('v1')
      }
      await end(engine())
      const isUsed = async (): Promise<boolean> => {
        await fillGap(caches[0], { value: 'again' }).catch(() => {})
        return (await valueIn(caches[1])) === 'again'
      }
      await expect.poll(isUsed, { timeout: 20_000, interval: 200 }).toBe(true)
      const isNew = async (): Promise<string> => (await one.getSecret('database')) && other.getSecret('database')
      await expect.poll(isNew, { timeout: 20_000, interval: 200 }).toBe('v2')
    },
  )
}
