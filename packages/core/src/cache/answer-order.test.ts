import { describe, expect, it, vi } from 'vitest'
import { Batch } from './batch.ts'
import type { ProviderCache } from './provider-cache.ts'
import type { SecretProvider, StoredSecret } from '../contract/provider.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import { type Answer, cached, fail, onCacheClock, pass, second, seen, shared, slow, start } from '../testing/cache-trial.ts'

onCacheClock()

const value = (text: string) => async (): Promise<StoredSecret> => ({ value: text })
const nothing: Answer = async () => undefined
const noes = ['not found', 'DELETED', 'PERMISSION_DENIED', 'UNAUTHENTICATED', 'INTEGRITY', 'INTERNAL'] as const
const no = (code: (typeof noes)[number]): Answer => (code === 'not found' ? nothing : async () => fail(code))

describe.each(noes)('an older call that is answered "%s"', (code) => {
  it('supersedes no later read', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const older = seen(store)
    await pass(0.001)
    const newer = seen(store, { mode: 'fresh' })
    landings[0]?.(no(code)())
    await older
    landings[1]?.({ value: 'new' })
    expect([await newer, await seen(store), get.mock.calls.length]).toEqual(['new', 'new', 2])
  })

  it('is not remembered while a later one is running', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const older = seen(store)
    const newer = seen(store, { mode: 'fresh' })
    await pass(0)
    landings[0]?.(no(code)())
    await older
    const next = seen(store)
    await pass(0)
    landings[2]?.({ value: 'newest' })
    expect(await next).toBe('newest')
    landings[1]?.({ value: 'new' })
    await newer
    expect(await seen(store)).toBe('newest')
  })

  it('drops no later answer from memory or the shared cache', async () => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => {})
    const { client, fill } = shared({ invalidate })
    const { store, get } = cached({}, { shared: client })
    const landings = slow(get)
    const older = seen(store)
    await pass(0.001)
    const newer = seen(store, { mode: 'fresh' })
    await pass(0.001)
    landings[1]?.({ value: 'new' })
    await newer
    landings[0]?.(no(code)())
    await older
    expect([await seen(store), invalidate.mock.calls.length]).toEqual(['new', 0])
    expect(fill.mock.calls.flatMap(([, , entry]) => entry?.secret.value ?? [])).toEqual(['new'])
  })

  it('is not remembered if the later answer was evicted', async () => {
    const { store, get } = cached({}, { maxEntries: 1 })
    const landings = slow(get)
    const older = seen(store)
    await pass(0.001)
    const newer = seen(store, { mode: 'fresh' })
    await pass(0)
    landings[1]?.({ value: 'new' })
    await newer
    const other = seen(store, { path: 'b' })
    await pass(0)
    landings[2]?.({ value: 'b' })
    await other
    landings[0]?.(no(code)())
    await older
    get.mockImplementation(value('new'))
    expect(await seen(store)).toBe('new')
    await pass(300)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    expect(await seen(store)).toBe('new (stale)')
  })

  it('still drops an older answer from memory', async () => {
    const { store, get } = cached()
    await seen(store)
    const landings = slow(get)
    const middle = seen(store, { mode: 'fresh' })
    await pass(2)
    const newer = seen(store, { mode: 'fresh' })
    await pass(0)
    landings[0]?.(no(code)())
    await middle
    expect(store.counts.entries).toBe(code === 'INTERNAL' ? 1 : 0)
    landings[1]?.({ value: 'new' })
    expect([await newer, await seen(store)]).toEqual(['new', 'new'])
  })

  it('holds in an outage that the next call met', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const older = seen(store)
    const newer = seen(store, { mode: 'fresh' })
    await pass(0)
    landings[0]?.(no(code)())
    await older
    landings[1]?.(fail('UNAVAILABLE'))
    expect(await newer).toBe(code === 'not found' ? 'UNAVAILABLE' : code)
  })

  it('counts the same in a batch', async () => {
    const answers = Promise.withResolvers<PromiseSettledResult<StoredSecret | undefined>[]>()
    const { store, get } = cached({ getMany: () => answers.promise })
    const batch = new Batch({ specificationVersion: 'v1', name: 'p', get, getMany: () => answers.promise }, batchContext)
    const older = ['a', 'b'].map((path) => seen(store, { path, batch }))
    batch.seal()
    await pass(0.001)
    get.mockImplementation(value('new'))
    await seen(store, { mode: 'fresh' })
    answers.resolve(await Promise.allSettled([no(code)(), value('b')()]))
    await Promise.all(older)
    expect([await seen(store), await seen(store, { path: 'b' })]).toEqual(['new', 'b'])
  })

  it('drops no later answer for its versions', async () => {
    const getVersion: SecretProvider['getVersion'] = async () => ({ value: 'first' })
    const { store, get } = cached({ getVersion })
    const landings = slow(get)
    const older = seen(store)
    await pass(0.001)
    await seen(store, { version: 1 })
    landings[0]?.(no(code)())
    await older
    expect(store.counts.entries).toBe(1)
  })
})

const batchContext = { signal: new AbortController().signal }

it.each(['PERMISSION_DENIED', 'UNAUTHENTICATED', 'DELETED', 'INTEGRITY'] as const)(
  'an older call that is refused (%s) takes from memory what another process was answered in the same millisecond',
  async (denial) => {
    const { client, read } = shared()
    const { store, get } = cached({}, { shared: client })
    const landings = slow(get)
    const older = seen(store, { mode: 'fresh volatile' })
    read.mockImplementation(async () => ({ hit: { value: 'theirs' }, askedAt: Date.now(), until: Date.now() + second }))
    const later = seen(store)
    await pass(0)
    landings[0]?.(fail(denial))
    await older
    get.mockImplementation(async () => fail(denial))
    expect([await later, await seen(store)]).toEqual(['theirs', denial])
  },
)

describe('an older value', () => {
  it('is not kept if the later one was evicted', async () => {
    const { store, get } = cached({}, { maxEntries: 1 })
    const landings = slow(get)
    const older = seen(store)
    await pass(0.001)
    const newer = seen(store, { mode: 'fresh' })
    await pass(0)
    landings[1]?.({ value: 'new' })
    await newer
    get.mockImplementation(value('new'))
    await seen(store, { path: 'b' })
    landings[0]?.({ value: 'old' })
    expect([await older, await seen(store)]).toEqual(['old', 'new'])
  })

  it.each(['volatile', 'fresh volatile'] as const)('is not kept after a later read that kept no copy (%s)', async (mode) => {
    const { store, get } = cached()
    const landings = slow(get)
    const older = seen(store)
    await pass(0.001)
    const newer = seen(store, { mode })
    await pass(0)
    landings[1]?.({ value: 'new' })
    await newer
    landings[0]?.({ value: 'old' })
    await older
    get.mockImplementation(value('new'))
    expect(await seen(store)).toBe('new')
  })

  it('is not filled into the shared cache', async () => {
    const { client, fill } = shared()
    const { store, get } = cached({}, { shared: client })
    const landings = slow(get)
    const older = seen(store)
    await pass(0.001)
    const newer = seen(store, { mode: 'fresh' })
    await pass(0)
    landings[1]?.({ value: 'new' })
    await newer
    landings[0]?.({ value: 'old' })
    await older
    expect(fill.mock.calls.map(([, , entry]) => entry?.secret.value)).toEqual(['new', undefined])
  })

  it('is kept if it was asked for after a refusal that arrived first', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const first = seen(store)
    const later = seen(store, { mode: 'fresh' })
    await pass(0)
    landings[0]?.(fail('DELETED'))
    await first
    landings[1]?.({ value: 'restored' })
    await later
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(300)
    expect(await seen(store)).toBe('restored (stale)')
  })
})

describe('a call that describes the secret', () => {
  async function described(store: ProviderCache, answer: Promise<unknown>, right: 'read' | 'describe' = 'describe'): Promise<void> {
    await Promise.allSettled([store.describe('a', () => answer, right)])
  }

  it.each(['read', 'describe'] as const)('and gets a withdrawal supersedes no later read (right to %s)', async (right) => {
    const { store, get } = cached()
    const answer = Promise.withResolvers<never>()
    const describing = described(store, answer.promise, right)
    await pass(0.001)
    const landings = slow(get)
    const reading = seen(store)
    await pass(0)
    answer.reject(await fail('DELETED').catch((error: unknown) => error))
    await describing
    landings[0]?.({ value: 'restored' })
    expect([await reading, await seen(store), get.mock.calls.length]).toEqual(['restored', 'restored', 1])
  })

  it.each(['DELETED', 'PERMISSION_DENIED', 'UNAUTHENTICATED'] as const)('and gets %s drops nothing that was read later', async (code) => {
    const { store, get } = cached()
    const answer = Promise.withResolvers<never>()
    const describing = described(store, answer.promise, 'read')
    await pass(0.001)
    await seen(store)
    answer.reject(await fail(code).catch((error: unknown) => error))
    await describing
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    expect(await seen(store)).toBe('v1')
    await pass(300)
    expect(await seen(store)).toBe('v1 (stale)')
  })

  it.each<[string, Answer]>([
    ['absence', nothing],
    ['withdrawal', async () => fail('DELETED')],
  ])('and finds it lets no older %s be remembered', async (_, answer) => {
    const { store, get } = cached()
    await seen(store)
    const landings = slow(get)
    const older = seen(store, { mode: 'fresh' })
    await pass(0.001)
    await described(store, Promise.resolve({ version: 1 }))
    landings[0]?.(answer())
    await older
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    expect(await seen(store)).toBe('v1')
  })

  it('and finds nothing keeps an older absence', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const older = seen(store)
    await pass(0.001)
    await described(store, Promise.resolve(undefined))
    landings[0]?.(nothing())
    expect([await older, await seen(store), get.mock.calls.length]).toEqual([undefined, undefined, 1])
  })

  it('and finds it leaves an older read its value', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const older = seen(store)
    await pass(0.001)
    await described(store, Promise.resolve({ version: 1 }))
    const joined = seen(store)
    landings[0]?.({ value: 'v1' })
    expect([await older, await joined, await seen(store), get.mock.calls.length]).toEqual(['v1', 'v1', 'v1', 1])
  })

  it('and finds it keeps an older absence from the shared cache', async () => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => {})
    const { client, read } = shared({ invalidate })
    read.mockImplementation(async () => ({ hit: { value: 'shared' }, until: start + 100 * second }))
    const { store, get } = cached({}, { shared: client })
    const landings = slow(get)
    const older = seen(store, { mode: 'fresh' })
    await pass(0.001)
    await described(store, Promise.resolve({ version: 1 }))
    landings[0]?.(nothing())
    expect([await older, invalidate.mock.calls.length]).toEqual([undefined, 0])
  })

  it('still drops older reads from memory after a withdrawal', async () => {
    const { store } = cached()
    await seen(store)
    await pass(second / 1_000)
    await described(store, fail('DELETED'))
    expect(store.counts.entries).toBe(0)
  })
})
