import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SharedCache, StoredSecret } from './contract.ts'
import { SecretsError } from './secrets-error.ts'
import { SharedLevel } from './shared-level.ts'

const now = 1_000_000
const ticket = { generation: 3 }
const none = { ticket: undefined }

beforeEach(() => void vi.useFakeTimers({ now }))
afterEach(() => vi.useRealTimers())

function levelOver(members: Partial<SharedCache>): SharedLevel {
  const cache: SharedCache = {
    specificationVersion: 'v1',
    read: async () => ({ ticket }),
    fill: async () => {},
    invalidate: async () => {},
    ...members,
  }
  return new SharedLevel(cache, 'eu', { deadlineMs: 5_000, ttlMs: 300_000, closing: new AbortController().signal })
}

function hung(): Promise<never> {
  return new Promise(() => {})
}

describe('a read of the shared level', () => {
  it("asks for the store's own path and version under the store's identity", async () => {
    const read = vi.fn<SharedCache['read']>(async () => ({ ticket }))
    expect(await levelOver({ read }).read('a', 'previous')).toEqual({ ticket })
    expect(read.mock.calls[0]?.[0]).toEqual({ sharedAs: 'eu', path: 'a', version: 'previous' })
  })

  it('takes a hit until its time is over', async () => {
    const hit = { value: 'v' }
    expect(await levelOver({ read: async () => ({ hit, until: now + 1 }) }).read('a', undefined)).toEqual({ hit, until: now + 1 })
    expect(await levelOver({ read: async () => ({ hit, until: now }) }).read('a', undefined)).toEqual(none)
    expect(await levelOver({ read: async () => ({ hit: { ...hit, expiresAt: now }, until: now + 1 }) }).read('a', undefined)).toEqual(none)
  })

  it.each([
    undefined,
    null,
    {},
    { hit: null, until: now + 1 },
    { hit: {}, until: now + 1 },
    { hit: { value: 5 }, until: now + 1 },
    { hit: { value: 'v' } },
    { hit: { value: 'v' }, until: NaN },
  ])('takes nothing of %j', async (answer) => {
    const level = levelOver({ read: (async () => answer) as unknown as SharedCache['read'] })
    const read = await level.read('a', undefined)
    expect('hit' in read).toBe(false)
  })

  it('never fails for a reason of its own', async () => {
    expect(await levelOver({ read: async () => Promise.reject(new Error('down')) }).read('a', undefined)).toEqual(none)
    const reading = levelOver({ read: hung }).read('a', undefined)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await reading).toEqual(none)
  })

  it('does not ask for a path that the store denied us, until the store answers again', async () => {
    const read = vi.fn<SharedCache['read']>(async () => ({ hit: { value: 'v' }, until: now + 1 }))
    const level = levelOver({ read })
    level.distrust('a')
    expect(await level.read('a', undefined)).toEqual(none)
    expect(await level.read('b', undefined)).toHaveProperty('hit')
    level.trust('a')
    expect(await level.read('a', undefined)).toHaveProperty('hit')
    expect(read).toHaveBeenCalledTimes(2)
  })

  it('is left alone for good with too many paths denied', async () => {
    const level = levelOver({ read: async () => ({ hit: { value: 'v' }, until: now + 1 }) })
    for (let count = 0; count <= 10_001; count += 1) level.distrust(`path-${count}`)
    expect(await level.read('another', undefined)).toEqual(none)
  })
})

describe('a fill of the shared level', () => {
  const entry = { secret: { value: 'v' } satisfies StoredSecret, until: now + 1 }

  it("is not waited for but by drain, and its failure is nobody's", async () => {
    const fill = vi.fn<SharedCache['fill']>(async () => Promise.reject(new Error('down')))
    const level = levelOver({ fill })
    level.fill('a', 2, ticket, entry)
    expect(fill).toHaveBeenCalledWith({ sharedAs: 'eu', path: 'a', version: 2 }, ticket, entry, expect.anything())
    await level.drain()
  })

  it('ends by the deadline', async () => {
    const level = levelOver({ fill: hung })
    level.fill('a', undefined, ticket, entry)
    const drained = vi.fn<() => void>()
    void level.drain().then(drained)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(drained).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(drained).toHaveBeenCalled()
  })

  it('is not begun without a ticket, and gives the turn back without an answer', () => {
    const fill = vi.fn<SharedCache['fill']>(async () => {})
    const level = levelOver({ fill })
    level.fill('a', undefined, undefined, entry)
    expect(fill).not.toHaveBeenCalled()
    level.fill('a', undefined, ticket, undefined)
    expect(fill).toHaveBeenCalledWith(expect.anything(), ticket, undefined, expect.anything())
  })
})

describe('invalidating the shared level', () => {
  it('is for every version of the path', async () => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => {})
    await levelOver({ invalidate }).invalidate('a')
    expect(invalidate).toHaveBeenCalledWith({ sharedAs: 'eu', path: 'a' }, expect.anything())
  })

  it('tells the writer if it failed, and that the write is done', async () => {
    const failing = levelOver({ invalidate: async () => Promise.reject(new Error('canary-0b3c')) }).invalidate('a')
    await expect(failing).rejects.toThrow(expect.objectContaining({ code: 'UNAVAILABLE', effect: 'done' }))
    await expect(failing).rejects.not.toThrow('canary')
    const late = levelOver({ invalidate: hung })
      .invalidate('a')
      .catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(SecretsError.isInstance(await late)).toBe(true)
  })
})

it('is not read for a path that it could not be told of, for as long as it may hold what was there before', async () => {
  const hit = { value: 'old' }
  const invalidate = vi.fn<SharedCache['invalidate']>(async () => Promise.reject(new Error('down')))
  const level = levelOver({ read: async () => ({ hit, until: now + 1_000_000 }), invalidate })
  const told = (): Promise<boolean> =>
    level.invalidate('a').then(
      () => true,
      () => false,
    )
  expect([await told(), await level.read('a', undefined), await level.read('b', undefined)]).toMatchObject([false, none, { hit }])
  await vi.advanceTimersByTimeAsync(299_999)
  expect(await level.read('a', undefined)).toEqual(none)
  await vi.advanceTimersByTimeAsync(1)
  expect(await level.read('a', undefined)).toMatchObject({ hit })
  await told()
  invalidate.mockImplementation(async () => {})
  expect([await told(), await level.read('a', undefined)]).toMatchObject([true, { hit }])
})

it('tells of paths of its own store only that other processes invalidated', () => {
  let tell: Parameters<NonNullable<SharedCache['subscribe']>>[0] = () => {}
  const end = vi.fn<() => void>()
  const heard: string[] = []
  const unsubscribe = levelOver({ subscribe: (listener) => ((tell = listener), end) }).subscribe((path) => heard.push(path))
  tell({ sharedAs: 'eu', path: 'a' })
  tell({ sharedAs: 'us', path: 'b' })
  unsubscribe()
  expect([heard, end.mock.calls.length]).toEqual([['a'], 1])
  expect(levelOver({}).subscribe(() => {})).not.toThrow()
})
