import { expect, it } from 'vitest'
import { addUse, type Close, closesLike, closesOf, endUse, wasClosed } from './use-count.ts'

/** A provider that two managers use. */
function shared(): { readonly close: Close } {
  const part = { close: async () => {} }
  const closes = closesOf([part])
  addUse(closes)
  addUse(closes)
  return part
}

it('a part is closed by the last of those that use it, and counts as closed only then', () => {
  const part = shared()
  expect([endUse(part.close), wasClosed(part)]).toEqual([false, false])
  expect([endUse(part.close), wasClosed(part)]).toEqual([true, true])
})

it('a part that is used again after it was closed stays closed', () => {
  const part = shared()
  for (let times = 0; times < 2; times += 1) endUse(part.close)
  addUse(closesOf([part]))
  expect(wasClosed(part)).toBe(true)
})

it('a part without `close` is never closed', () => {
  for (const part of [{}, undefined, { close: 'no function' }]) {
    expect(closesOf([part])).toEqual([])
    expect(wasClosed(part)).toBe(false)
  }
})

it('copies of a part, and copies of those, count as the part', () => {
  const original = { close: async () => {} }
  const [copy, another] = [{ close: async () => {} }, { close: async () => {} }]
  closesLike(copy.close, original.close)
  closesLike(another.close, copy.close)
  expect(closesOf([original, copy, another])).toEqual([original.close])
  addUse(closesOf([copy]))
  endUse(original.close)
  expect([original, copy, another].map(wasClosed)).toEqual([true, true, true])
})
