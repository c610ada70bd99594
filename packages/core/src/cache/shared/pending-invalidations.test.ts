import { beforeEach, describe, expect, it, vi } from 'vitest'
import { PendingInvalidations } from './pending-invalidations.ts'

const most = 10_000

describe('pending invalidations', () => {
  beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())

  it('are retried one at a time, the next a minute after one that hangs', () => {
    const pending = new PendingInvalidations(() => {})
    for (const path of ['a', 'b']) pending.failed(path, undefined, 0)
    expect(pending.begin('a', 100_000)).toBe(true)
    expect([pending.begin('b', 159_999), pending.begin('b', 160_000)]).toEqual([false, true])
  })

  it('give up the earliest if there are too many, and warn once until one is acknowledged', () => {
    const forget = vi.fn<(path: string, askedBefore: number) => void>()
    const pending = new PendingInvalidations(forget)
    const fail = (path: string): void => pending.failed(path, undefined, 1_000)
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
    pending.acknowledged('x', pending.mark)
    for (const path of ['x', 'z']) fail(path)
    expect(process.emitWarning).toHaveBeenCalledTimes(2)
  })

  it('are retried at once after one was acknowledged, and soon after the next failure', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const pending = new PendingInvalidations(() => {})
    for (const path of ['a', 'b', 'a', 'b']) pending.failed(path, undefined, 1_000)
    expect(pending.begin('b', 1_500)).toBe(false)
    pending.acknowledged('a', pending.mark)
    expect(pending.begin('b', 1_500)).toBe(true)
    pending.failed('b', undefined, 1_500)
    expect([pending.begin('b', 1_999), pending.begin('b', 2_000)]).toEqual([false, true])
  })

  it('keep the order of versions: a lift, and what was written after it', () => {
    const pending = new PendingInvalidations(() => {})
    pending.failed('a', 7, 1_000)
    expect([pending.leastVersions('a', 0), pending.leastVersions('a', 1), pending.leastVersions('a', 8)]).toEqual([[0], [7], [8]])
    pending.failed('a', 0, 1_000)
    expect([pending.leastVersions('a', 3), pending.leastVersions('a', undefined)]).toEqual([[0, 3], [0]])
  })
})
