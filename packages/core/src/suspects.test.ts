import { expect, it } from 'vitest'
import { Suspects } from './suspects.ts'

it('suspects what was added, until it is cleared', () => {
  const suspects = new Suspects()
  suspects.add('a')
  expect([suspects.has('a'), suspects.has('b')]).toEqual([true, false])
  suspects.clear('a')
  suspects.clear('never added')
  expect(suspects.has('a')).toBe(false)
})

it('does not clear what was added again after the mark', () => {
  const suspects = new Suspects()
  suspects.add('a')
  const { mark } = suspects
  suspects.add('a')
  suspects.clear('a', mark)
  expect(suspects.has('a')).toBe(true)
  suspects.clear('a', suspects.mark)
  expect(suspects.has('a')).toBe(false)
})

it('suspects all, for good, rather than forget one of too many', () => {
  const suspects = new Suspects()
  for (let count = 0; count < 10_000; count += 1) suspects.add(`path-${count}`)
  expect(suspects.has('another')).toBe(false)
  suspects.add('one too many')
  for (let count = 0; count < 10_000; count += 1) suspects.clear(`path-${count}`)
  expect([suspects.has('path-0'), suspects.has('another')]).toEqual([true, true])
})
