import { AsyncLocalStorage } from 'node:async_hooks'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PendingInvalidations } from './pending-invalidations.ts'

const most = 10_000
const never = new AbortController().signal

interface Trial {
  readonly pending: PendingInvalidations
  /** The paths that were sent to the shared cache. */
  readonly sent: string[]
  readonly forget: ReturnType<typeof vi.fn<(path: string, askedBefore: number) => void>>
  readonly close: () => void
  /** An invalidation that the shared cache acknowledges, or does not. */
  readonly write: (path: string, outcome: 'acknowledged' | 'lost', leastVersion?: number) => Promise<void>
  /** Settles the retry under way. */
  readonly succeed: () => Promise<void>
  readonly fail: () => Promise<void>
}

/** Writes are settled at once, retries by hand. */
function trial(): Trial {
  const [sent, closing, forget] = [[] as string[], new AbortController(), vi.fn<(path: string, askedBefore: number) => void>()]
  let outcome: 'acknowledged' | 'lost' | undefined
  let retry = Promise.withResolvers<void>()
  const send = async (path: string): Promise<void> => {
    if (outcome === 'lost') throw new Error('down')
    if (outcome === 'acknowledged') return
    sent.push(path)
    retry = Promise.withResolvers()
    await retry.promise
  }
  const pending = new PendingInvalidations({ forget, send, closing: closing.signal })
  const write: Trial['write'] = async (path, as, leastVersion) => {
    outcome = as
    const ended = pending.invalidate(path, leastVersion).catch(() => {})
    outcome = undefined
    await ended
  }
  const succeed = async (): Promise<void> => {
    retry.resolve()
    await vi.advanceTimersByTimeAsync(0)
  }
  const fail = async (): Promise<void> => {
    retry.reject(new Error('down'))
    await vi.advanceTimersByTimeAsync(0)
  }
  return { pending, sent, forget, close: () => closing.abort(), write, succeed, fail }
}

/** The first letter of a path is its server. */
function cluster(...servers: readonly string[]): {
  readonly away: Set<string>
  readonly pending: PendingInvalidations
  readonly write: (...paths: readonly string[]) => Promise<void>
} {
  const away = new Set(servers)
  const send = async (path: string): Promise<void> => {
    await Promise.resolve()
    if (away.has(path.charAt(0))) throw new Error('down')
  }
  const pending = new PendingInvalidations({ forget: () => {}, send, closing: new AbortController().signal })
  const write = async (...paths: readonly string[]): Promise<void> => {
    for (const path of paths) await pending.invalidate(path).catch(() => {})
  }
  return { away, pending, write }
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
    const { pending, sent, write, succeed } = trial()
    for (const path of ['a', 'b', 'c']) await write(path, 'lost')
    await vi.advanceTimersByTimeAsync(499)
    expect(sent).toEqual([])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sent).toEqual(['a'])
    await succeed()
    expect(sent).toEqual(['a', 'b'])
    await succeed()
    await succeed()
    expect([sent, pending.size, vi.getTimerCount()]).toEqual([['a', 'b', 'c'], 0, 0])
  })

  it('are retried at growing intervals, up to a minute', async () => {
    const { sent, write, fail } = trial()
    await write('a', 'lost')
    const waits: number[] = []
    while (sent.length < 9) {
      const [count, from] = [sent.length, Date.now()]
      while (sent.length === count) await vi.advanceTimersByTimeAsync(100)
      waits.push(Date.now() - from)
      await fail()
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  })

  it('are retried in turn, more at a time after a longer pause, and each once at most', async () => {
    const { sent, write, fail } = trial()
    for (const path of 'abcde') await write(path, 'lost')
    const rounds: string[] = []
    for (let round = 0; round < 5; round += 1) {
      const { length } = sent
      await vi.advanceTimersByTimeAsync(500 * 2 ** round)
      for (let settled = length; settled < sent.length; settled += 1) await fail()
      rounds.push(sent.slice(length).join(''))
    }
    expect(rounds).toEqual(['ab', 'cdea', 'bcdea', 'bcdea', 'bcdea'])
  })

  it('are retried within a minute of the return of their own server, though others stay away and are read', async () => {
    const { away, pending, write } = cluster('a', 'b')
    for (const server of 'ab') for (let path = 0; path < 100; path += 1) await write(`${server}${path}`)
    await vi.advanceTimersByTimeAsync(600_000)
    away.delete('b')
    for (let second = 0; second < 60; second += 1) {
      for (let path = 0; path < 100; path += 1) pending.has(`b${path}`)
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect([pending.size, pending.has('a0'), pending.has('b0')]).toEqual([100, true, false])
  })

  it('are retried in turn, however often one of them is read', async () => {
    const { away, pending, write } = cluster('a', 'b')
    await write('a', 'b')
    away.delete('b')
    for (let read = 0; read < 100; read += 1) {
      pending.has('b')
      await vi.advanceTimersByTimeAsync(10)
    }
    expect([pending.has('a'), pending.has('b')]).toEqual([true, false])
  })

  it('are retried in no context of a request', async () => {
    const [request, seen] = [new AsyncLocalStorage<string>(), [] as unknown[]]
    const send = async (path: string): Promise<void> => {
      seen.push([path, request.getStore()])
      if (seen.length === 1) throw new Error('down')
    }
    const pending = new PendingInvalidations({ forget: () => {}, send, closing: new AbortController().signal })
    await request.run('failing', () => pending.invalidate('a').catch(() => {}))
    await request.run('succeeding', () => pending.invalidate('b'))
    expect(seen).toEqual([
      ['a', 'failing'],
      ['b', 'succeeding'],
      ['a', undefined],
    ])
  })

  it('are retried at once after another invalidation was acknowledged, and soon after the next failure', async () => {
    const { sent, write, fail } = trial()
    for (const path of ['a', 'b', 'a', 'b']) await write(path, 'lost')
    await vi.advanceTimersByTimeAsync(100)
    await write('c', 'acknowledged')
    expect(sent).toEqual(['a'])
    await fail()
    await vi.advanceTimersByTimeAsync(499)
    expect(sent).toEqual(['a'])
    await vi.advanceTimersByTimeAsync(1)
    expect(sent).toEqual(['a', 'b'])
  })

  it('are retried as soon, however many writes fail meanwhile', async () => {
    const { sent, write } = trial()
    for (let path = 0; path < 20; path += 1) {
      await write(`path-${path}`, 'lost')
      await vi.advanceTimersByTimeAsync(20)
    }
    await vi.advanceTimersByTimeAsync(100)
    expect(sent).toEqual(['path-0'])
  })

  it('are not retried while one is, though others fail or succeed meanwhile', async () => {
    const { sent, write, fail } = trial()
    await write('a', 'lost')
    await vi.advanceTimersByTimeAsync(500)
    await write('b', 'lost')
    await vi.advanceTimersByTimeAsync(60_000)
    await write('c', 'acknowledged')
    expect(sent).toEqual(['a'])
    await fail()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sent).toEqual(['a', 'b'])
  })

  it('are not retried after the close', async () => {
    const { sent, write, close } = trial()
    for (const path of ['a', 'b']) await write(path, 'lost')
    close()
    await vi.advanceTimersByTimeAsync(60_000)
    await write('b', 'acknowledged')
    expect([sent, vi.getTimerCount()]).toEqual([[], 0])
  })

  it('are all sent once more before the close ends, whatever fails', async () => {
    const { away, pending, write } = cluster('a', 'b')
    await write('a1', 'a2', 'b1', 'b2')
    away.delete('b')
    await pending.retryAll(never)
    expect(['a1', 'a2', 'b1', 'b2'].map((path) => pending.has(path))).toEqual([true, true, false, false])
  })

  it('are not sent twice by the close, which waits for a retry under way', async () => {
    const { pending, sent, write, close, succeed } = trial()
    await write('a', 'lost')
    await vi.advanceTimersByTimeAsync(500)
    close()
    const ended = vi.fn<() => void>()
    void pending.retryAll(never).then(ended)
    await vi.advanceTimersByTimeAsync(60_000)
    expect([sent, pending.isSending('a'), ended.mock.calls.length]).toEqual([['a'], true, 0])
    await succeed()
    expect([sent, pending.size, pending.isSending('a'), ended.mock.calls.length]).toEqual([['a'], 0, false, 1])
  })

  it('are sent 25 at a time by the close, the earliest first, unless a write was acknowledged or its time is up', async () => {
    const [paths, sent, ending] = [Array.from({ length: 30 }, (_, n) => `path-${n}`), [] as string[], new AbortController()]
    const attempts: PromiseWithResolvers<void>[] = []
    let outcome: 'lost' | 'acknowledged' | undefined = 'lost'
    const send = async (path: string): Promise<void> => {
      if (outcome === 'lost') throw new Error('down')
      if (outcome === 'acknowledged') return
      sent.push(path)
      const attempt = Promise.withResolvers<void>()
      attempts.push(attempt)
      await attempt.promise
    }
    const closing = new AbortController()
    const pending = new PendingInvalidations({ forget: () => {}, send, closing: closing.signal })
    for (const path of paths) await pending.invalidate(path).catch(() => {})
    closing.abort()
    outcome = undefined
    const closed = pending.retryAll(ending.signal)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sent).toEqual(paths.slice(0, 25))
    outcome = 'acknowledged'
    await pending.invalidate('path-26')
    outcome = undefined
    attempts[3]?.resolve()
    attempts[4]?.reject(new Error('down'))
    await vi.advanceTimersByTimeAsync(0)
    expect(sent.slice(25)).toEqual(['path-25', 'path-27'])
    ending.abort()
    for (const attempt of attempts) attempt.reject(new Error('closed'))
    await closed
    expect([sent.length, pending.size]).toEqual([27, 28])
  })

  it('keep no process alive', async () => {
    vi.useRealTimers()
    const set = vi.spyOn(globalThis, 'setTimeout')
    const { write } = trial()
    await write('a', 'lost')
    const timer: NodeJS.Timeout = set.mock.results[0]?.value
    expect(timer.hasRef()).toBe(false)
    clearTimeout(timer)
  })

  it('give up the earliest if there are too many, and warn once until one is acknowledged', async () => {
    const { forget, write } = trial()
    for (let each = 0; each < most; each += 1) await write(`path-${each}`, 'lost')
    expect([forget.mock.calls, vi.mocked(process.emitWarning).mock.calls.length]).toEqual([[], 0])
    for (const path of ['x', 'y']) await write(path, 'lost')
    expect(forget.mock.calls).toEqual([
      ['path-0', 1_001],
      ['path-1', 1_001],
    ])
    expect(vi.mocked(process.emitWarning).mock.calls).toEqual([
      [expect.stringContaining('more than 10000 invalidations'), expect.objectContaining({ code: 'FINCHAT_SECRETS_SHARED_CACHE' })],
    ])
    await write('x', 'acknowledged')
    for (const path of ['x', 'z']) await write(path, 'lost')
    expect(process.emitWarning).toHaveBeenCalledTimes(2)
  })

  it('keep the order of versions: a lift, and what was written after it', async () => {
    const sent: (number | undefined)[] = []
    let isUp = false
    const send = async (_: string, leastVersion: number | undefined): Promise<void> => {
      if (!isUp) throw new Error('down')
      sent.push(leastVersion)
    }
    const pending = new PendingInvalidations({ forget: () => {}, send, closing: new AbortController().signal })
    const sentFor = async (...leastVersions: readonly (number | undefined)[]): Promise<unknown> => {
      isUp = false
      for (const leastVersion of leastVersions.slice(0, -1)) await pending.invalidate('a', leastVersion).catch(() => {})
      isUp = true
      await pending.invalidate('a', leastVersions.at(-1))
      return sent.splice(0)
    }
    expect([await sentFor(undefined), await sentFor(7, 0), await sentFor(7, 1), await sentFor(7, 8)]).toEqual([[undefined], [0], [7], [8]])
    expect([await sentFor(7, 0, 3), await sentFor(7, 0, undefined), await sentFor(0, 3, 2)]).toEqual([[0, 3], [0], [0, 3]])
  })

  it('of one path wait for each other, though one fails; those of other paths do not', async () => {
    const [began, first, second] = [[] as string[], Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const ends: Readonly<Record<string, Promise<void>>> = { a1: first.promise, a2: second.promise }
    const send = async (path: string, leastVersion: number | undefined): Promise<void> => {
      began.push(`${path}${leastVersion}`)
      await ends[`${path}${leastVersion}`]
    }
    const pending = new PendingInvalidations({ forget: () => {}, send, closing: new AbortController().signal })
    const [failing, next] = [pending.invalidate('a', 1), pending.invalidate('a', 2)]
    await pending.invalidate('b', 1)
    expect([began, pending.isSending('a'), pending.isSending('b')]).toEqual([['a1', 'b1'], true, false])
    first.reject(new Error('down'))
    await expect(failing).rejects.toThrow('down')
    await vi.advanceTimersByTimeAsync(0)
    const last = pending.invalidate('a', 3)
    expect([began, pending.isSending('a')]).toEqual([['a1', 'b1', 'a2'], true])
    second.resolve()
    await Promise.all([next, last])
    expect([began, pending.isSending('a'), pending.size]).toEqual([['a1', 'b1', 'a2', 'a3'], false, 0])
  })
})
