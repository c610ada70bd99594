import { describe, expect, it, vi } from 'vitest'
import type { ProviderCache } from './provider-cache.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import type { StoredSecret } from '../contract/provider.ts'
import { OwnWrites } from './path-history.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { cached, fail, type Get, onCacheClock, pass, second, seen, shared, slow, start } from '../testing/cache-trial.ts'

onCacheClock()

/** A store some of whose replicas lag behind: each call is answered with the next of these, and the last one again and again. */
function replicas(get: ReturnType<typeof vi.fn<Get>>, ...answers: readonly (StoredSecret | undefined)[]): void {
  get.mockImplementation(async () => answers.at(-1))
  for (const answer of answers) get.mockImplementationOnce(async () => answer)
}

const v = (version: number): StoredSecret => ({ value: `v${version}`, version })
const unnumbered: StoredSecret = { value: 'unnumbered' }

/** As the writer does when the store has acknowledged a write. */
async function wrote(store: ProviderCache, version?: number): Promise<void> {
  store.changed('a')
  await store.invalidate('a', version)
}

const withdrawal = new SecretsError('DELETED', 'deleted here')

async function deleted(store: ProviderCache): Promise<void> {
  store.changed('a', withdrawal)
  await store.invalidate('a')
}

/** What reads see at once, after that many seconds, and so on. */
async function seenAfter(store: ProviderCache, ...seconds: readonly number[]): Promise<unknown[]> {
  const answers = [await seen(store)]
  for (const each of seconds) {
    await pass(each)
    answers.push(await seen(store))
  }
  return answers
}

describe('after a write of version 2, an older value', () => {
  it.each<[string, StoredSecret]>([
    ['a lower version', v(1)],
    ['a version without a number', unnumbered],
  ])('is fresh for a second at most, and then the store is asked again: %s', async (_, older) => {
    const { store, get } = cached()
    await wrote(store, 2)
    replicas(get, older, older, v(2))
    expect(await seenAfter(store, 0.999, 0.001, 0.999, 0.001)).toEqual([older.value, older.value, older.value, older.value, 'v2'])
    expect(get).toHaveBeenCalledTimes(3)
  })

  it('costs a call a second, however often it is read', async () => {
    const { store, get } = cached()
    await wrote(store, 2)
    replicas(get, v(1))
    for (let read = 0; read < 100; read += 1) {
      await seen(store)
      await pass(0.1)
    }
    expect(get).toHaveBeenCalledTimes(10)
  })

  it('does not replace the written value while that is fresh', async () => {
    const { store, get } = cached()
    await wrote(store, 2)
    replicas(get, v(2), v(1), v(1), v(2))
    expect(await seenAfter(store, 240, 0.5, 0.5)).toEqual(['v2', 'v2', 'v2', 'v2'])
    expect(get).toHaveBeenCalledTimes(3)
    await pass(60)
    expect(await seen(store)).toBe('v2')
  })

  it('leaves no bytes behind if the written value is delivered instead', async () => {
    const { store, get } = cached()
    await wrote(store, 2)
    const older = Uint8Array.of(1, 2, 3)
    replicas(get, v(2), { value: older, version: 1 })
    await seenAfter(store, 240, 0)
    expect([...older]).toEqual([0, 0, 0])
  })

  it('reaches only fresh reads while the written value is fresh', async () => {
    const { store, get } = cached()
    await wrote(store, 2)
    replicas(get, v(2), v(1))
    await seen(store)
    expect([await seen(store, { mode: 'fresh' }), ...(await seenAfter(store, 1, 298.9))]).toEqual(['v1', 'v2', 'v2', 'v2'])
    expect([await seen(store, { mode: 'fresh' }), ...(await seenAfter(store, 0.2))]).toEqual(['v1', 'v2', 'v1'])
  })

  it('reaches a fresh read, and is kept for a second if no written value is fresh', async () => {
    const { store, get } = cached()
    await wrote(store, 2)
    replicas(get, v(2), v(1), v(1), v(2))
    await seen(store)
    await pass(300)
    expect([await seen(store, { mode: 'fresh' }), ...(await seenAfter(store, 0.999, 0.001, 1))]).toEqual(['v1', 'v1', 'v1', 'v1', 'v2'])
  })

  it('ends an outage like any answer: reads wait for a slow answer after it', async () => {
    for (const older of [undefined, v(1)]) {
      const { store, get } = cached()
      await wrote(store, 2)
      get.mockImplementation(async () => fail('UNAVAILABLE'))
      await seen(store)
      await pass(10)
      replicas(get, older)
      await seen(store)
      await pass(10)
      const [landings, reading] = [slow(get), seen(store)]
      await pass(2)
      landings[0]?.(v(2))
      expect(await reading).toBe('v2')
    }
  })

  it('is never served stale in an outage', async () => {
    const { store, get } = cached()
    await wrote(store, 2)
    replicas(get, v(1))
    await seen(store)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(1)
    await expect(store.read({ path: 'a', mode: 'cached' })).rejects.toThrow('it was changed, and its store cannot be asked now')
  })

  it('replaces a written value that is not fresh, and is then not served stale', async () => {
    const { store, get } = cached()
    await wrote(store, 2)
    replicas(get, v(2), v(1))
    expect(await seenAfter(store, 300)).toEqual(['v2', 'v1'])
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(1)
    await expect(store.read({ path: 'a', mode: 'cached' })).rejects.toThrow('it was changed, and its store cannot be asked now')
  })

  it('supersedes no older call that brings the written value', async () => {
    const { store, get } = cached()
    await wrote(store, 2)
    const written = Promise.withResolvers<StoredSecret>()
    get.mockImplementationOnce(() => written.promise)
    const older = seen(store)
    await pass(0.001)
    replicas(get, v(1))
    await seen(store, { mode: 'fresh' })
    written.resolve(v(2))
    await older
    expect(await seen(store)).toBe('v2')
  })

  it('counts like any value after a quarter of an hour', async () => {
    const { store, get } = cached()
    await wrote(store, 2)
    replicas(get, v(1))
    await pass(899.999)
    await seenAfter(store, 1)
    expect(get).toHaveBeenCalledTimes(2)
    await seenAfter(store, 0.001, 200)
    expect(get).toHaveBeenCalledTimes(2)
  })

  it('counts like any value after that time, also if the clock is set back', async () => {
    const { store, get } = cached()
    await wrote(store, 2)
    vi.setSystemTime(start - 86_400 * second)
    replicas(get, v(1))
    await seenAfter(store, 900, 200)
    expect(get).toHaveBeenCalledTimes(2)
  })

  it.each([2, 3])('is not version %d, which is kept like any other', async (version) => {
    const { store, get } = cached()
    await wrote(store, 2)
    replicas(get, v(version))
    await seenAfter(store, 239)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    expect([...(await seenAfter(store, 61)), get.mock.calls.length]).toEqual([`v${version}`, `v${version} (stale)`, 2])
  })

  it('is not the value of another path', async () => {
    const { store, get } = cached()
    await wrote(store, 2)
    replicas(get, v(1))
    await seen(store, { path: 'b' })
    await pass(200)
    await seen(store, { path: 'b' })
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('stays older if a lower version is acknowledged later', async () => {
    const { store, get } = cached()
    await wrote(store, 3)
    await wrote(store, 2)
    replicas(get, v(2), v(3))
    expect(await seenAfter(store, 1)).toEqual(['v2', 'v3'])
  })

  it('is none if a later write got a lower number, since others have purged the secret between', async () => {
    const { store, get } = cached()
    await wrote(store, 2)
    await pass(1)
    store.changed('a')
    await store.invalidate('a', 1, performance.now())
    replicas(get, v(1))
    expect(await seenAfter(store, 60)).toEqual(['v1', 'v1'])
    expect(get).toHaveBeenCalledOnce()
  })

  it("does not exist for a write without a number: the store's answer counts", async () => {
    const { store, get } = cached()
    await wrote(store)
    replicas(get, unnumbered)
    await seenAfter(store, 200)
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('is older for every cache of the store', async () => {
    const siblings: ProviderCache[] = []
    const [one, other] = [cached({}, { siblings }), cached({}, { siblings })]
    siblings.push(one.store, other.store)
    await wrote(one.store, 2)
    replicas(other.get, v(1), v(2))
    expect(await seenAfter(other.store, 1)).toEqual(['v1', 'v2'])
  })
})

describe('an absence after a write', () => {
  it('holds for a second', async () => {
    const { store, get } = cached()
    await wrote(store, 1)
    replicas(get, undefined, undefined, v(1))
    expect(await seenAfter(store, 0.999, 0.001, 1)).toEqual([undefined, undefined, undefined, 'v1'])
    expect(get).toHaveBeenCalledTimes(3)
  })

  it('holds for a second for the written version, too', async () => {
    const getVersion = vi.fn(async (): Promise<StoredSecret | undefined> => v(2))
    getVersion.mockImplementationOnce(async () => undefined)
    const { store } = cached({ getVersion })
    await wrote(store, 2)
    expect(await seen(store, { version: 2 })).toBeUndefined()
    await pass(1)
    expect(await seen(store, { version: 2 })).toBe('v2')
  })

  it.each<[string, StoredSecret | undefined, number]>([
    ['one below it', v(1), 2],
    ['one without a number', unnumbered, 2],
    ['none', undefined, 2],
    ['the one before it', v(2), 1],
  ])('is believed for a second of the version before, too, unless that is there: %s', async (_, previous, calls) => {
    const getVersion = vi.fn(async () => previous)
    const { store } = cached({ getVersion })
    await wrote(store, 3)
    for (let read = 0; read < 2; read += 1) {
      expect(await seen(store, { version: 'previous' })).toBe(previous?.value)
      await pass(1)
    }
    expect(getVersion).toHaveBeenCalledTimes(calls)
  })

  it('holds as usual for the version before the first', async () => {
    const getVersion = vi.fn(async () => undefined)
    const { store } = cached({ getVersion })
    await wrote(store, 1)
    await seen(store, { version: 'previous' })
    await pass(4)
    await seen(store, { version: 'previous' })
    expect(getVersion).toHaveBeenCalledTimes(1)
  })

  it('does not drop the held written value', async () => {
    const { store, get } = cached()
    await wrote(store, 1)
    replicas(get, v(1), undefined, v(1))
    expect(await seenAfter(store, 240, 0)).toEqual(['v1', 'v1', 'v1'])
  })
})

describe('after a withdrawal by this process, a value', () => {
  it('is fresh for a second, whatever its number, and the withdrawal stands in an outage', async () => {
    const { store, get } = cached()
    await seen(store)
    await deleted(store)
    replicas(get, v(7), v(7))
    expect(await seenAfter(store, 1)).toEqual(['v7', 'v7'])
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(1)
    expect([await seen(store), get.mock.calls.length]).toEqual(['DELETED', 4])
  })

  it('is fresh for a second, also as a version', async () => {
    const getVersion = vi.fn(async (): Promise<StoredSecret | undefined> => v(2))
    const { store } = cached({ getVersion })
    await deleted(store)
    for (let read = 0; read < 2; read += 1) {
      await seen(store, { version: 2 })
      await pass(1)
    }
    expect(getVersion).toHaveBeenCalledTimes(2)
  })

  it('is fresh for a second after a purge', async () => {
    const { store, get } = cached()
    store.purged('a')
    await store.invalidate('a')
    replicas(get, v(1), undefined)
    expect(await seenAfter(store, 1)).toEqual(['v1', undefined])
  })

  it.each<[string, (store: ProviderCache) => Promise<void>]>([
    ['it was restored', (store) => wrote(store)],
    ['it was created anew, with number 1', (store) => wrote(store, 1)],
    ['a change may have been done, whose answer was lost', async (store) => (store.recordChange('a'), store.invalidate('a'))],
  ])('is kept as any other when %s', async (_, change) => {
    const { store, get } = cached()
    await wrote(store, 9)
    await deleted(store)
    await change(store)
    replicas(get, v(1))
    await seenAfter(store, 200)
    expect(get).toHaveBeenCalledTimes(1)
  })
})

it.each<[string, (store: ProviderCache) => Promise<unknown>]>([
  ['a read', (store) => seen(store)],
  ['a description', (store) => Promise.allSettled([store.describe('a', () => fail('DELETED'))])],
])('a lower version stays older though %s finds the secret withdrawn: that may have been before the write', async (_, find) => {
  const { store, get } = cached()
  await wrote(store, 9)
  get.mockImplementation(async () => fail('DELETED'))
  await find(store)
  await pass(60)
  get.mockClear()
  replicas(get, v(1))
  await seenAfter(store, 1, 1)
  expect(get).toHaveBeenCalledTimes(3)
})

it('a withdrawal reported by a description from before the write does not undo the write', async () => {
  const { store, get } = cached()
  const answer = Promise.withResolvers<never>()
  const describing = Promise.allSettled([store.describe('a', () => answer.promise)])
  await wrote(store, 2)
  answer.reject(new SecretsError('DELETED', 'it was, before'))
  await describing
  replicas(get, v(1), v(2))
  expect(await seenAfter(store, 1)).toEqual(['v1', 'v2'])
})

describe('a value older than a write of this process, with a shared cache,', () => {
  const hit = (version: number, askedAt: number): Awaited<ReturnType<SharedCache['read']>> => ({
    hit: v(version),
    until: Date.now() + 100 * second,
    askedAt,
  })

  it('is not filled there', async () => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => {})
    const { client, fill } = shared({ invalidate })
    const { store, get } = cached({}, { shared: client })
    await wrote(store, 2)
    replicas(get, v(1), undefined, v(2))
    await seenAfter(store, 1, 1)
    expect(fill.mock.calls.map(([, , entry]) => entry?.secret.value)).toEqual([undefined, undefined, 'v2'])
    expect(invalidate).toHaveBeenCalledTimes(1)
  })

  it('does not correct the value there', async () => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => {})
    const { client, read } = shared({ invalidate })
    const { store, get } = cached({}, { shared: client })
    await wrote(store, 2)
    read.mockImplementation(async () => hit(2, Date.now()))
    for (const older of [v(1), undefined]) {
      replicas(get, older)
      await seen(store, { mode: 'fresh' })
    }
    expect(invalidate).toHaveBeenCalledTimes(1)
  })

  it('is not taken from there', async () => {
    const { client, read } = shared()
    const { store, get } = cached({}, { shared: client })
    await wrote(store, 2)
    await pass(1)
    read.mockImplementation(async () => hit(1, Date.now()))
    replicas(get, v(2))
    expect(await seen(store)).toBe('v2')
  })

  it('gives way to the written value of another process, even if that was asked for earlier', async () => {
    const { client, read } = shared()
    const { store, get } = cached({}, { shared: client })
    await wrote(store, 2)
    const askedAt = Date.now()
    await pass(1)
    replicas(get, v(1))
    expect(await seen(store)).toBe('v1')
    read.mockImplementation(async () => hit(2, askedAt))
    await pass(1)
    expect([await seen(store), get.mock.calls.length]).toEqual(['v2', 1])
  })

  it('does not replace the written value in memory, which is probed again', async () => {
    const { client } = shared()
    const { store, get } = cached({}, { shared: client })
    await wrote(store, 2)
    replicas(get, v(2), v(1), v(2))
    expect(await seenAfter(store, 5, 0.5, 0.5)).toEqual(['v2', 'v2', 'v2', 'v2'])
    expect(get).toHaveBeenCalledTimes(3)
  })
})

describe('the memory of own writes', () => {
  it('treats only the written number as not there yet, for a read by number', () => {
    const writes = new OwnWrites()
    writes.wrote('a', 3)
    expect(writes.isBehind('a', 3, undefined)).toBe(true)
    expect(writes.isBehind('a', 3, v(3))).toBe(false)
    expect(writes.isBehind('a', 2, undefined)).toBe(false)
  })

  it('holds the latest 10,000 paths', () => {
    const writes = new OwnWrites()
    for (let path = 0; path <= 10_000; path += 1) writes.wrote(`${path}`, 2)
    expect(['0', '1'].map((path) => writes.isBehind(path, undefined, v(1)))).toEqual([false, true])
  })
})
