import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BlockedPaths } from './blocked-paths.ts'

const hour = 3_600_000
const warn = vi.spyOn(process, 'emitWarning').mockReturnValue()

beforeEach(() => {
  vi.useFakeTimers({ now: 10 * hour })
  warn.mockClear()
})
afterEach(() => vi.useRealTimers())

function add(suspects: BlockedPaths, count: number): void {
  for (let n = 0; n < count; n += 1) suspects.add(`path-${n}`)
}

it('blocks an added key until it is cleared', () => {
  const suspects = new BlockedPaths()
  suspects.add('a')
  expect([suspects.has('a'), suspects.has('b')]).toEqual([true, false])
  suspects.clear('a')
  suspects.clear('never added')
  expect(suspects.has('a')).toBe(false)
})

it('blocks no other key while it can remember all, however many were cleared before', () => {
  const suspects = new BlockedPaths()
  add(suspects, 10_000)
  expect([suspects.has('path-0'), suspects.has('another')]).toEqual([true, false])
  for (let n = 0; n < 50_000; n += 1) {
    suspects.clear(`path-${n}`)
    suspects.add(`path-${n + 10_000}`)
  }
  expect([suspects.has('path-0'), suspects.has('path-59999'), warn.mock.calls.length]).toEqual([false, true, 0])
})

describe('one blocked path too many to remember', () => {
  it('begins an epoch in which every key is blocked until it is cleared, and warns once', () => {
    const suspects = new BlockedPaths()
    add(suspects, 10_001)
    expect([suspects.has('path-0'), suspects.has('another')]).toEqual([true, true])
    for (let n = 0; n <= 10_000; n += 1) suspects.clear(`path-${n}`)
    expect([suspects.has('path-0'), suspects.has('path-10000'), suspects.has('another')]).toEqual([false, false, true])
    suspects.clear('another')
    suspects.add('path-0')
    expect([suspects.has('another'), suspects.has('path-0')]).toEqual([false, true])
    suspects.clear('path-0')
    expect(suspects.has('path-0')).toBe(false)
    const message = expect.stringMatching(/^a store refused more than 10000 secrets: for an hour .* shared cache$/)
    expect(warn).toHaveBeenCalledExactlyOnceWith(message, { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_SHARED_CACHE' })
  })

  it('ends after an hour: then only keys added since its begin are blocked', () => {
    const suspects = new BlockedPaths()
    add(suspects, 10_001)
    suspects.add('refused since')
    vi.setSystemTime(11 * hour - 1)
    expect(suspects.has('another')).toBe(true)
    vi.setSystemTime(11 * hour)
    expect([suspects.has('another'), suspects.has('path-0'), suspects.has('refused since')]).toEqual([false, false, true])
  })

  it('does not last longer if the clock is set back', () => {
    const suspects = new BlockedPaths()
    add(suspects, 10_001)
    vi.setSystemTime(hour)
    expect(suspects.has('another')).toBe(true)
    vi.setSystemTime(2 * hour)
    expect(suspects.has('another')).toBe(false)
  })

  it('extends the epoch if it happens again, without another warning, and keeps cleared keys', () => {
    const suspects = new BlockedPaths()
    add(suspects, 10_001)
    for (const key of ['cleared before', 'path-5']) suspects.clear(key)
    vi.setSystemTime(10.5 * hour)
    add(suspects, 10_001)
    expect(['cleared before', 'path-5', 'path-6'].map((key) => suspects.has(key))).toEqual([false, true, true])
    vi.setSystemTime(11.25 * hour)
    expect(suspects.has('another')).toBe(true)
    vi.setSystemTime(11.5 * hour)
    expect([suspects.has('another'), warn.mock.calls.length]).toEqual([false, 1])
    add(suspects, 10_001)
    expect(warn).toHaveBeenCalledTimes(2)
  })
})
