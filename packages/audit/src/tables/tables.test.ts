import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PackedRows, StepNumbers } from './packed-rows.ts'
import { StepSet } from './step-set.ts'

const step = fc.oneof(fc.nat({ max: 70_000 }), fc.constantFrom(31, 32, 32_767, 32_768, Number.MAX_SAFE_INTEGER), fc.maxSafeNat())

test('a set of epochs holds what a Set holds, in ascending order', () => {
  const changes = fc.array(fc.tuple(fc.boolean(), step), { maxLength: 60 })
  fc.assert(
    fc.property(changes, (made) => {
      const [ours, plain] = [new StepSet(), new Set<number>()]
      for (const [isAdded, number] of made) {
        if (isAdded) for (const set of [ours, plain]) set.add(number)
        else expect(ours.delete(number)).toBe(plain.delete(number))
      }
      expect([...ours]).toEqual([...plain].toSorted((one, other) => one - other))
      expect([ours.size, made.every(([, number]) => ours.has(number) === plain.has(number))]).toEqual([plain.size, true])
    }),
  )
})

test('numbers by epoch are given back', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.maxSafeNat())), step, (set, other) => {
      const [ours, plain] = [new StepNumbers(), new Map(set)]
      for (const [at, value] of set) ours.set(at, value)
      for (const at of [...plain.keys(), other]) expect(ours.get(at)).toBe(plain.get(at))
    }),
  )
})

test('rows that are kept stay as they were, and are numbered anew', () => {
  const kept = fc.uniqueArray(fc.nat({ max: 2_999 })).map((rows) => rows.toSorted((one, other) => one - other))
  fc.assert(
    fc.property(kept, (rows) => {
      const table = new PackedRows(8)
      for (let row = 0; row < 3_000; row++) table.at(table.add()).writeDoubleLE(row)
      table.keep(rows)
      expect(rows.map((_, row) => table.number(row, 0))).toEqual(rows)
      expect([table.length, table.add()]).toEqual([rows.length, rows.length])
      expect(() => table.at(5_000)).toThrow(RangeError)
    }),
    { numRuns: 20 },
  )
})
