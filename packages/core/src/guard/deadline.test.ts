import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SecretsError } from '../errors/secrets-error.ts'
import {
  bounded,
  boundedUnlessPrompt,
  jittered,
  longestTimerMs,
  pause,
  raceAbort,
  throwIfAborted,
  untilAborted,
  whenClosed,
} from './deadline.ts'

const open = new AbortController().signal

beforeEach(() => void vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function never(): Promise<never> {
  return new Promise(() => {})
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'resolved',
    (error: { code?: unknown }) => error.code,
  )
}

/** What was rejected without anybody to hear it: by default it ends the process. */
async function unheard(run: () => Promise<unknown>): Promise<unknown[]> {
  vi.useRealTimers()
  const reasons: unknown[] = []
  const listener = (reason: unknown): void => void reasons.push(reason)
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', listener)
  await run()
  await new Promise((resolve) => setImmediate(resolve))
  process.removeListener('unhandledRejection', listener)
  for (const other of others) process.on('unhandledRejection', other)
  return reasons
}

describe('bounded', () => {
  it('settles as the call does', async () => {
    expect(await bounded(async () => 5, { deadlineMs: 100, closing: open })).toBe(5)
    await expect(bounded(async () => Promise.reject(new TypeError('x')), { deadlineMs: 100, closing: open })).rejects.toThrow(TypeError)
  })

  it('treats a throw as a rejection', async () => {
    const call = bounded(
      () => {
        throw new TypeError('x')
      },
      { deadlineMs: 100, closing: open },
    )
    await expect(call).rejects.toThrow(TypeError)
  })

  it('ends a call that does not answer by its deadline, and aborts its signal', async () => {
    let inner: AbortSignal | undefined
    const code = codeOf(bounded((signal) => ((inner = signal), never()), { deadlineMs: 100, closing: open }))
    await vi.advanceTimersByTimeAsync(99)
    expect(inner?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect([await code, inner?.aborted]).toEqual(['DEADLINE_EXCEEDED', true])
  })

  it.each(['signal', 'closing'] as const)('ends a call when its %s is aborted', async (which) => {
    let inner: AbortSignal | undefined
    const controller = new AbortController()
    const call = codeOf(bounded((signal) => ((inner = signal), never()), { deadlineMs: 100, closing: open, [which]: controller.signal }))
    controller.abort(new Error('for a reason of its own'))
    expect([await call, inner?.aborted]).toEqual(['ABORTED', true])
  })

  it.each(['signal', 'closing'] as const)('does not begin when its %s is aborted already', async (which) => {
    const run = vi.fn<() => Promise<void>>()
    expect(await codeOf(bounded(run, { deadlineMs: 100, closing: open, [which]: AbortSignal.abort() }))).toBe('ABORTED')
    expect(run).not.toHaveBeenCalled()
  })

  it('keeps the process alive until the call settles', () => {
    const timer = vi.spyOn(globalThis, 'setTimeout')
    void bounded(never, { deadlineMs: 100, closing: open }).catch(() => {})
    expect(timer.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([true])
  })

  it('leaves no timer and no listener behind, however it ends', async () => {
    const { signal } = new AbortController()
    const remove = vi.spyOn(signal, 'removeEventListener')
    const add = vi.spyOn(signal, 'addEventListener')
    await bounded(async () => 5, { deadlineMs: 100, signal, closing: open })
    const late = bounded(never, { deadlineMs: 100, signal, closing: open }).catch(() => {})
    await vi.advanceTimersByTimeAsync(100)
    await late
    expect(vi.getTimerCount()).toBe(0)
    expect(remove.mock.calls).toEqual(add.mock.calls)
    expect(add).toHaveBeenCalledTimes(2)
  })

  it('uses one listener for all calls, and ends those that still run', async () => {
    const closing = new AbortController()
    const add = vi.spyOn(closing.signal, 'addEventListener')
    const calls = [async () => 5, never, never].map((run) => codeOf(bounded<number>(run, { deadlineMs: 100, closing: closing.signal })))
    expect(await calls[0]).toBe('resolved')
    closing.abort()
    expect(await Promise.all(calls)).toEqual(['resolved', 'ABORTED', 'ABORTED'])
    expect(add).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('names the closed owner', async () => {
    const call = { deadlineMs: 100, closing: AbortSignal.abort() }
    await expect(bounded(never, call)).rejects.toThrow('the secrets manager is closed')
    await expect(bounded(never, { ...call, owner: 'the X provider' })).rejects.toThrow('the X provider is closed')
  })

  it('does not change a settled call when its owner closes', async () => {
    const closing = new AbortController()
    let given: AbortSignal | undefined
    await bounded(
      async (signal) => {
        given = signal
      },
      { deadlineMs: 100, closing: closing.signal },
    )
    closing.abort()
    expect(given?.aborted).toBe(false)
  })

  it('accepts an answer that is no promise', async () => {
    // an author's mistake that the types forbid
    const answer = (): Promise<number> => 5 as unknown as Promise<number>
    expect(await bounded(answer, { deadlineMs: 100, closing: open })).toBe(5)
  })

  it('ignores the outcome of a call after its end', async () => {
    const { promise, reject } = Promise.withResolvers<void>()
    expect(
      await unheard(async () => {
        await codeOf(bounded(() => promise, { deadlineMs: 1, closing: open }))
        reject(new Error('late'))
      }),
    ).toEqual([])
  })
})

describe('untilAborted', () => {
  it('settles as the promise does, with a signal or without', async () => {
    expect([await untilAborted(Promise.resolve(5), undefined), await untilAborted(Promise.resolve(5), open)]).toEqual([5, 5])
    await expect(untilAborted(Promise.reject(new TypeError('x')), open)).rejects.toThrow(TypeError)
  })

  it('gives up when the signal is aborted, before or after, and lets the promise go on', async () => {
    const controller = new AbortController()
    const { promise, resolve } = Promise.withResolvers<number>()
    const waiting = codeOf(untilAborted(promise, controller.signal))
    controller.abort()
    expect([await waiting, await codeOf(untilAborted(promise, controller.signal))]).toEqual(['ABORTED', 'ABORTED'])
    resolve(5)
    expect(await promise).toBe(5)
  })

  it('leaves no listener behind', async () => {
    const { signal } = new AbortController()
    const waiting = untilAborted(Promise.resolve(5), signal)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await waiting
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it.each(['before', 'after'])('handles a late rejection if the signal was aborted %s', async (when) => {
    const controller = new AbortController()
    const { promise, reject } = Promise.withResolvers<never>()
    const run = async (): Promise<void> => {
      if (when === 'before') controller.abort()
      const waiting = codeOf(untilAborted(promise, controller.signal))
      controller.abort()
      expect(await waiting).toBe('ABORTED')
      reject(new Error('late'))
    }
    expect(await unheard(run)).toEqual([])
  })
})

describe('whenClosed', () => {
  it('calls every waiting function, with one listener', () => {
    const closing = new AbortController()
    const [first, second] = [vi.fn(), vi.fn()]
    const cancel = whenClosed(closing.signal, first)
    whenClosed(closing.signal, second)
    expect(getEventListeners(closing.signal, 'abort')).toHaveLength(1)
    cancel()
    closing.abort()
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([0, 1])
  })
})

describe('throwIfAborted', () => {
  it("throws ABORTED without the caller's reason", () => {
    expect(() => throwIfAborted(open)).not.toThrow()
    expect(() => throwIfAborted(AbortSignal.abort('hunter2'))).toThrow(/^the caller's signal was aborted$/)
  })
})

describe('pause', () => {
  it.each([
    ['the time', 1_000, () => {}],
    ['an abort', 0, (controller: AbortController) => controller.abort()],
    ['what comes sooner', 0, (_: AbortController, sooner: () => void) => sooner()],
  ])('ends by %s, and leaves no timer and no listener behind', async (_, ms, end) => {
    const controller = new AbortController()
    const { promise, resolve } = Promise.withResolvers<void>()
    const pausing = pause(1_000, controller.signal, promise)
    end(controller, resolve)
    await vi.advanceTimersByTimeAsync(ms)
    await pausing
    expect([vi.getTimerCount(), getEventListeners(controller.signal, 'abort').length]).toEqual([0, 0])
  })

  it("does not end early for a time beyond setTimeout's limit", async () => {
    const ended = vi.fn()
    void pause(Infinity).then(ended)
    await vi.advanceTimersByTimeAsync(longestTimerMs - 1)
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(ended).toHaveBeenCalled()
  })

  it('ends at once if the signal is aborted, and handles a rejection of `sooner`', async () => {
    await pause(1_000, AbortSignal.abort())
    await pause(1_000, undefined, Promise.reject(new Error('sooner')))
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('jittered', () => {
  it('is between half of the time and all of it', () => {
    const times = Array.from({ length: 200 }, () => jittered(100))
    expect(Math.min(...times)).toBeGreaterThanOrEqual(50)
    expect(Math.max(...times)).toBeLessThan(100)
    expect(new Set(times).size).toBeGreaterThan(100)
  })
})

describe('bounded, without a deadline', () => {
  it('starts no timer, and ends by its signal', async () => {
    const caller = new AbortController()
    const outcome = codeOf(bounded(never, { deadlineMs: Infinity, closing: open, signal: caller.signal }))
    expect(vi.getTimerCount()).toBe(0)
    caller.abort()
    expect(await outcome).toBe('ABORTED')
  })
})

describe('boundedUnlessPrompt', () => {
  const down = new SecretsError('UNAVAILABLE', 'x')

  it.each<[string, () => Promise<void>, unknown]>([
    ['has ended when it was made', async () => {}, 'resolved'],
    ['fails at once', () => Promise.reject(down), 'UNAVAILABLE'],
    [
      'throws',
      () => {
        throw down
      },
      'UNAVAILABLE',
    ],
  ])('starts no timer for a call that %s', async (_, run, expected) => {
    const timers = vi.spyOn(globalThis, 'setTimeout')
    expect(await codeOf(boundedUnlessPrompt(run, { deadlineMs: 10, closing: open }))).toBe(expected)
    expect(timers).not.toHaveBeenCalled()
  })

  it.each(['at once', 'later'])('ends a call that takes longer, and the signal that it reads %s', async (when) => {
    let read: (() => AbortSignal) | undefined
    const hangs = (context: { readonly signal: AbortSignal }): Promise<never> => {
      const early = when === 'at once' ? context.signal : undefined
      read = () => early ?? context.signal
      return never()
    }
    const outcome = codeOf(boundedUnlessPrompt(hangs, { deadlineMs: 10, closing: open }))
    await vi.advanceTimersByTimeAsync(9)
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect([await outcome, read?.().aborted]).toEqual(['DEADLINE_EXCEEDED', true])
  })

  it("makes no call after the close or the caller's abort", async () => {
    const run = vi.fn(async () => 'answer')
    const gone = AbortSignal.abort()
    for (const ends of [{ closing: gone }, { closing: open, signal: gone }])
      expect(await codeOf(boundedUnlessPrompt(run, { deadlineMs: 10, ...ends }))).toBe('ABORTED')
    expect(run).not.toHaveBeenCalled()
  })

  it('gives the call a signal that a copy of its context has too', async () => {
    let signal: AbortSignal | undefined
    const copies = (context: { readonly signal: AbortSignal }): Promise<never> => {
      signal = { ...context }.signal
      return never()
    }
    const outcome = codeOf(boundedUnlessPrompt(copies, { deadlineMs: 10, closing: open }))
    expect(signal?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(10)
    expect([await outcome, signal?.aborted]).toEqual(['DEADLINE_EXCEEDED', true])
  })

  it.each(['caller leaves', 'owner closes'])('ends the signal of a call that has just begun when its %s', async (who) => {
    const gone = new AbortController()
    let signal: AbortSignal | undefined
    const hangs = (context: { readonly signal: AbortSignal }): Promise<never> => {
      signal = context.signal
      return never()
    }
    const ends = who === 'owner closes' ? { closing: gone.signal } : { closing: open, signal: gone.signal }
    const outcome = codeOf(boundedUnlessPrompt(hangs, { deadlineMs: 10, ...ends }))
    gone.abort()
    expect([await outcome, signal?.aborted, vi.getTimerCount()]).toEqual(['ABORTED', true, 0])
  })

  it('hears how a call ends that was given up on', async () => {
    const { promise, reject } = Promise.withResolvers<never>()
    const run = async (): Promise<void> => {
      const outcome = codeOf(boundedUnlessPrompt(() => promise, { deadlineMs: 1, closing: open }))
      expect(await outcome).toBe('DEADLINE_EXCEEDED')
      reject(new Error('late'))
    }
    expect(await unheard(run)).toEqual([])
  })
})

it('a call that was answered leaves no timer and no listener', async () => {
  const [caller, closing] = [new AbortController(), new AbortController()]
  await bounded(async () => 5, { deadlineMs: 60_000, signal: caller.signal, closing: closing.signal })
  expect(vi.getTimerCount()).toBe(0)
  expect(getEventListeners(caller.signal, 'abort')).toEqual([])
})

it('a call with a wrong signal leaves no timer', async () => {
  const signal = new AbortController() as unknown as AbortSignal // a frequent slip
  await expect(bounded(never, { deadlineMs: 1_000, signal, closing: open })).rejects.toThrow(TypeError)
  expect(vi.getTimerCount()).toBe(0)
})

it('a call that failed leaves no timer and no listener', async () => {
  const [caller, closing] = [new AbortController(), new AbortController()]
  const failing = bounded(() => Promise.reject(new TypeError('x')), { deadlineMs: 60_000, signal: caller.signal, closing: closing.signal })
  await expect(failing).rejects.toThrow(TypeError)
  expect(vi.getTimerCount()).toBe(0)
  expect(getEventListeners(caller.signal, 'abort')).toEqual([])
})

it('an abort says what the call waited for, if that is known', async () => {
  const aborted = AbortSignal.abort()
  const left = vi.fn<() => void>()
  await expect(raceAbort(never(), aborted, left)).rejects.toThrow(/^the caller's signal was aborted$/)
  await expect(raceAbort(never(), aborted, left, 'the store was asked')).rejects.toThrow('was aborted while the store was asked')
  expect(left).toHaveBeenCalledTimes(2)
})

it('jittered takes from half of the time to all of it', () => {
  const random = vi.spyOn(Math, 'random')
  const times = [0, 0.5, 1].map((value) => (random.mockReturnValue(value), jittered(1_000)))
  random.mockRestore()
  expect(times).toEqual([500, 750, 1_000])
})
