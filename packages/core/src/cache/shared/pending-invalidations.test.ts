import { AsyncLocalStorage } from 'node:async_hooks'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PendingInvalidations } from './pending-invalidations.ts'

const most = 10_000

interface Trial {
  readonly pending: PendingInvalidations
  readonly retried: string[]
  readonly forget: ReturnType<typeof vi.fn<(path: string, askedBefore: number) => void>>
  readonly close: () => void
  /** Settles the attempt under way. */
  succeed: () => Promise<void>
  fail: () => Promise<void>
}

function trial(): Trial {
  const [retried, closing, forget] = [[] as string[], new AbortController(), vi.fn<(path: string, askedBefore: number) => void>()]
  let attempt = Promise.withResolvers<void>()
  const retry = (path: string): Promise<void> => {
    retried.push(path)
    attempt = Promise.withResolvers()
    return attempt.promise
  }
  const pending = new PendingInvalidations({ forget, retry, closing: closing.signal })
  const succeed = async (): Promise<void> => {
    pending.acknowledged(retried.at(-1) ?? '')
    attempt.resolve()
    await vi.advanceTimersByTimeAsync(0)
  }
  const fail = async (): Promise<void> => {
    pending.failed(retried.at(-1) ?? '', undefined)
    attempt.reject(new Error('down'))
    await vi.advanceTimersByTimeAsync(0)
  }
  return { pending, retried, forget, close: () => closing.abort(), succeed, fail }
}

/** The first letter of a path is its server. */
function cluster(...servers: readonly string[]): { readonly away: Set<string>; readonly pending: PendingInvalidations } {
  const away = new Set(servers)
  const retry = async (path: string): Promise<void> => {
    await Promise.resolve()
    if (!away.has(path.charAt(0))) return pending.acknowledged(path)
    pending.failed(path, undefined)
    throw new Error('down')
  }
  const pending = new PendingInvalidations({ forget: () => {}, retry, closing: new AbortController().signal })
  return { away, pending }
}

describe('pending invalidations', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000 })
    vi.spyOn(Math, 'random').mockReturnValue(1)
    vi.spyOn(process, 'emitWarning').mockReturnValue()
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  it('are retried one at a time by themselves, the earliest first, and the next at once after a success', async () => {
    const { pending, retried, succeed } = trial()
    for (const path of ['a', 'b', 'c']) pending.failed(path, undefined)
    await vi.advanceTimersByTimeAsync(499)
    expect(retried).toEqual([])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(retried).toEqual(['a'])
    await succeed()
    expect(retried).toEqual(['a', 'b'])
    await succeed()
    await succeed()
    expect([retried, pending.size, vi.getTimerCount()]).toEqual([['a', 'b', 'c'], 0, 0])
  })

  it('are retried at growing intervals, up to a minute', async () => {
    const { pending, retried, fail } = trial()
    pending.failed('a', undefined)
    const waits: number[] = []
    while (retried.length < 9) {
      const [count, from] = [retried.length, Date.now()]
      while (retried.length === count) await vi.advanceTimersByTimeAsync(100)
      waits.push(Date.now() - from)
      await fail()
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  })

  it('are retried in turn, more at a time after a longer pause, and each once at most', async () => {
    const { pending, retried, fail } = trial()
    for (const path of 'abcde') pending.failed(path, undefined)
    const rounds: string[] = []
    for (let round = 0; round < 5; round += 1) {
      const { length } = retried
      await vi.advanceTimersByTimeAsync(500 * 2 ** round)
      for (let settled = length; settled < retried.length; settled += 1) await fail()
      rounds.push(retried.slice(length).join(''))
    }
    expect(rounds).toEqual(['ab', 'cdea', 'bcdea', 'bcdea', 'bcdea'])
  })

  it('are retried within a minute of the return of their own server, though others stay away and are read', async () => {
    const { away, pending } = cluster('a', 'b')
    for (let path = 0; path < 100; path += 1) pending.failed(`a${path}`, undefined)
    for (let path = 0; path < 100; path += 1) pending.failed(`b${path}`, undefined)
    await vi.advanceTimersByTimeAsync(600_000)
    away.delete('b')
    for (let second = 0; second < 60; second += 1) {
      for (let path = 0; path < 100; path += 1) pending.has(`b${path}`)
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect([pending.size, pending.has('a0'), pending.has('b0')]).toEqual([100, true, false])
  })

  it('are retried in turn, however often one of them is read', async () => {
    const { away, pending } = cluster('a', 'b')
    for (const path of ['a', 'b']) pending.failed(path, undefined)
    away.delete('b')
    for (let read = 0; read < 100; read += 1) {
      pending.has('b')
      await vi.advanceTimersByTimeAsync(10)
    }
    expect([pending.has('a'), pending.has('b')]).toEqual([true, false])
  })

  it('are retried in no context of a request', async () => {
    const [request, seen] = [new AsyncLocalStorage<string>(), [] as unknown[]]
    const retry = async (): Promise<void> => void seen.push(request.getStore())
    const pending = new PendingInvalidations({ forget: () => {}, retry, closing: new AbortController().signal })
    request.run('failing', () => pending.failed('a', undefined))
    await vi.advanceTimersByTimeAsync(400)
    request.run('succeeding', () => pending.acknowledged('b'))
    expect(seen).toEqual([undefined])
    pending.acknowledged('a')
  })

  it('are retried at once after another invalidation was acknowledged, and soon after the next failure', async () => {
    const { pending, retried, fail } = trial()
    for (const path of ['a', 'b', 'a', 'b']) pending.failed(path, undefined)
    await vi.advanceTimersByTimeAsync(100)
    pending.acknowledged('c')
    expect(retried).toEqual(['a'])
    await fail()
    await vi.advanceTimersByTimeAsync(499)
    expect(retried).toEqual(['a'])
    await vi.advanceTimersByTimeAsync(1)
    expect(retried).toEqual(['a', 'b'])
  })

  it('are retried as soon, however many writes fail meanwhile', async () => {
    const { pending, retried } = trial()
    for (let write = 0; write < 20; write += 1) {
      pending.failed(`path-${write}`, undefined)
      await vi.advanceTimersByTimeAsync(20)
    }
    await vi.advanceTimersByTimeAsync(100)
    expect(retried).toEqual(['path-0'])
  })

  it('are not retried while one is, though others fail or succeed meanwhile', async () => {
    const { pending, retried, fail } = trial()
    pending.failed('a', undefined)
    await vi.advanceTimersByTimeAsync(500)
    pending.failed('b', undefined)
    await vi.advanceTimersByTimeAsync(60_000)
    pending.acknowledged('c')
    expect(retried).toEqual(['a'])
    await fail()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(retried).toEqual(['a', 'b'])
  })

  it('are not retried after the close', async () => {
    const { pending, retried, close } = trial()
    for (const path of ['a', 'b']) pending.failed(path, undefined)
    close()
    await vi.advanceTimersByTimeAsync(60_000)
    pending.acknowledged('b')
    expect([retried, vi.getTimerCount()]).toEqual([[], 0])
  })

  it('keep no process alive', () => {
    vi.useRealTimers()
    const set = vi.spyOn(globalThis, 'setTimeout')
    const { pending } = trial()
    pending.failed('a', undefined)
    const timer: NodeJS.Timeout = set.mock.results[0]?.value
    expect(timer.hasRef()).toBe(false)
    clearTimeout(timer)
  })

  it('give up the earliest if there are too many, and warn once until one is acknowledged', () => {
    const { pending, forget } = trial()
    const fail = (path: string): void => pending.failed(path, undefined)
    for (let each = 0; each < most; each += 1) fail(`path-${each}`)
    expect([forget.mock.calls, vi.mocked(process.emitWarning).mock.calls.length]).toEqual([[], 0])
    for (const path of ['x', 'y']) fail(path)
    expect(forget.mock.calls).toEqual([
      ['path-0', 1_001],
      ['path-1', 1_001],
    ])
    expect(vi.mocked(process.emitWarning).mock.calls).toEqual([
      [expect.stringContaining('more than 10000 invalidations'), expect.objectContaining({ code: 'FINCHAT_SECRETS_SHARED_CACHE' })],
    ])
    pending.acknowledged('x')
    for (const path of ['x', 'z']) fail(path)
    expect(process.emitWarning).toHaveBeenCalledTimes(2)
  })

  it('keep the order of versions: a lift, and what was written after it', () => {
    const { pending } = trial()
    pending.failed('a', 7)
    expect([pending.leastVersions('a', 0), pending.leastVersions('a', 1), pending.leastVersions('a', 8)]).toEqual([[0], [7], [8]])
    pending.failed('a', 0)
    expect([pending.leastVersions('a', 3), pending.leastVersions('a', undefined)]).toEqual([[0, 3], [0]])
  })
})
