import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { VerifiedAccess } from './verified-access.ts'

const hour = 3_600_000

beforeEach(() => void vi.useFakeTimers({ now: 10 * hour }))
afterEach(() => vi.useRealTimers())

it('takes paths from the shared cache that were never refused, unless own access is required', () => {
  expect([new VerifiedAccess(false).mayShare('a', 'a'), new VerifiedAccess(true).mayShare('a', 'a')]).toEqual([true, false])
})

it.each([true, false])('takes no refused path until it is answered (own access required: %s)', (areProven) => {
  const access = new VerifiedAccess(areProven)
  access.answered('a', 'a')
  access.refused('a')
  expect([access.mayShare('a', 'a'), access.mayShare('a\n1', 'a')]).toEqual([false, false])
  access.answered('a', 'a')
  expect([access.mayShare('a', 'a'), access.mayShare('a\n1', 'a')]).toEqual([true, true])
  access.refused('a\n1')
  expect([access.mayShare('a', 'a'), access.mayShare('a\n1', 'a')]).toEqual([true, false])
})

it('is proven for an hour, for every version of the path and no other path', () => {
  const access = new VerifiedAccess(true)
  access.answered('a\n1', 'a')
  expect([access.mayShare('a', 'a'), access.mayShare('b', 'b')]).toEqual([true, false])
  vi.setSystemTime(11 * hour - 1)
  expect(access.mayShare('a', 'a')).toBe(true)
  vi.setSystemTime(11 * hour)
  expect(access.mayShare('a', 'a')).toBe(false)
})

it('is not proven by a time before the clock was set back', () => {
  const access = new VerifiedAccess(true)
  access.answered('a', 'a')
  vi.setSystemTime(hour)
  expect(access.mayShare('a', 'a')).toBe(false)
})

it('refuses too much, never too little, with more paths than it can remember', () => {
  const access = new VerifiedAccess(true)
  for (let count = 0; count <= 10_000; count += 1) access.answered(`path-${count}`, `path-${count}`)
  expect([access.mayShare('path-0', 'path-0'), access.mayShare('path-10000', 'path-10000')]).toEqual([false, true])
})

it.each([true, false])(
  'shares answered paths again after 10,001 refusals, and all others within an hour (own access required: %s)',
  (areProven) => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    const access = new VerifiedAccess(areProven)
    const paths = Array.from({ length: 10_001 }, (_, n) => `chosen-by-a-caller-${n}`)
    for (const path of paths) access.refused(path)
    expect([access.mayShare('chosen-by-a-caller-0', 'chosen-by-a-caller-0'), access.mayShare('other', 'other')]).toEqual([false, false])
    for (const path of paths.slice(1)) access.answered(path, path)
    expect(paths.slice(1).every((path) => access.mayShare(path, path))).toBe(true)
    access.answered('other', 'other')
    expect(access.mayShare('other', 'other')).toBe(true)
    vi.setSystemTime(11 * hour)
    expect(access.mayShare('never seen', 'never seen')).toBe(!areProven)
  },
)
