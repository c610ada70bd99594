import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Rights } from './verified-access.ts'

const hour = 3_600_000

beforeEach(() => void vi.useFakeTimers({ now: 10 * hour }))
afterEach(() => vi.useRealTimers())

it('takes from the level what nobody refused, unless rights are to be proven', () => {
  expect([new Rights(false).mayShare('a', 'a'), new Rights(true).mayShare('a', 'a')]).toEqual([true, false])
})

it.each([true, false])('takes nothing that was refused, until it is answered (proven: %s)', (areProven) => {
  const rights = new Rights(areProven)
  rights.answered('a', 'a')
  rights.refused('a')
  expect([rights.mayShare('a', 'a'), rights.mayShare('a\n1', 'a')]).toEqual([false, false])
  rights.answered('a', 'a')
  expect([rights.mayShare('a', 'a'), rights.mayShare('a\n1', 'a')]).toEqual([true, true])
  rights.refused('a\n1')
  expect([rights.mayShare('a', 'a'), rights.mayShare('a\n1', 'a')]).toEqual([true, false])
})

it('is proven for an hour, for every version of the path and for no other', () => {
  const rights = new Rights(true)
  rights.answered('a\n1', 'a')
  expect([rights.mayShare('a', 'a'), rights.mayShare('b', 'b')]).toEqual([true, false])
  vi.setSystemTime(11 * hour - 1)
  expect(rights.mayShare('a', 'a')).toBe(true)
  vi.setSystemTime(11 * hour)
  expect(rights.mayShare('a', 'a')).toBe(false)
})

it('is not proven by what was before the clock was set back', () => {
  const rights = new Rights(true)
  rights.answered('a', 'a')
  vi.setSystemTime(hour)
  expect(rights.mayShare('a', 'a')).toBe(false)
})

it('refuses too much rather than too little when there are more paths than can be remembered', () => {
  const rights = new Rights(true)
  for (let count = 0; count <= 10_000; count += 1) rights.answered(`path-${count}`, `path-${count}`)
  expect([rights.mayShare('path-0', 'path-0'), rights.mayShare('path-10000', 'path-10000')]).toEqual([false, true])
})

it.each([true, false])('shares again what is answered after 10,001 refusals, and within an hour all else (proven: %s)', (areProven) => {
  vi.spyOn(process, 'emitWarning').mockReturnValue()
  const rights = new Rights(areProven)
  const paths = Array.from({ length: 10_001 }, (_, n) => `chosen-by-a-caller-${n}`)
  for (const path of paths) rights.refused(path)
  expect([rights.mayShare('chosen-by-a-caller-0', 'chosen-by-a-caller-0'), rights.mayShare('other', 'other')]).toEqual([false, false])
  for (const path of paths.slice(1)) rights.answered(path, path)
  expect(paths.slice(1).every((path) => rights.mayShare(path, path))).toBe(true)
  rights.answered('other', 'other')
  expect(rights.mayShare('other', 'other')).toBe(true)
  vi.setSystemTime(11 * hour)
  expect(rights.mayShare('never seen', 'never seen')).toBe(!areProven)
})
