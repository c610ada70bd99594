import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { afterEach, beforeEach, vi } from 'vitest'

const aheadMs = new AsyncLocalStorage<number>()

/** Fake timers, and for what runs `withClock` a wall clock that is ahead of, or behind, all others. */
export function onOwnClocks(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_800_000_000_000 })
    const [now, later, soon] = [Date.now, globalThis.setTimeout, globalThis.setImmediate]
    const inOwnContext = (run: () => void): (() => void) => AsyncResource.bind(run)
    vi.spyOn(Date, 'now').mockImplementation(() => now.call(Date) + (aheadMs.getStore() ?? 0))
    // A fake timer calls back in the context of the test.
    vi.spyOn(globalThis, 'setTimeout').mockImplementation((run, ms) => later(inOwnContext(run), ms))
    vi.spyOn(globalThis, 'setImmediate').mockImplementation((run) => soon(inOwnContext(run)))
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })
}

export function withClock<T>(skewMs: number, run: () => T): T {
  return aheadMs.run(skewMs, run)
}
