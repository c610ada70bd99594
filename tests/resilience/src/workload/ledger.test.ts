import { describe, expect, test } from 'vitest'
import { Ledger } from './ledger.ts'
import { type Operation, sharedName, valueOf } from './operation.ts'

const text = { label: 'w.1', length: 3 }
const put: Operation = { do: 'put', name: 'a', text }
const rotate: Operation = { do: 'rotate', name: sharedName, text }
const stored = { versions: new Map([[1, valueOf(text)]]), deleted: false }
const nothing = { versions: new Map<number, string>(), deleted: false }

function faultsAfter(ledger: Ledger, name: string, seen: { versions: Map<number, string>; deleted: boolean }): number {
  ledger.sees(name, seen)
  return ledger.faults.length
}

describe('a ledger', () => {
  test('finds an acknowledged write that is lost', () => {
    for (const operation of [put, rotate]) {
      const ledger = new Ledger()
      ledger.take([{ about: operation }, { ended: { version: 1 } }])
      expect(faultsAfter(ledger.copy(), operation.name, stored)).toBe(0)
      expect(faultsAfter(ledger, operation.name, nothing)).toBeGreaterThan(0)
    }
  })

  test('takes a write that was under way for done or not done, and stays with what it saw', () => {
    for (const operation of [put, rotate]) {
      const ledger = new Ledger()
      expect(ledger.take([{ about: operation }])).toEqual(operation)
      expect(faultsAfter(ledger.copy(), operation.name, nothing)).toBe(0)
      expect(faultsAfter(ledger, operation.name, stored)).toBe(0)
      expect(faultsAfter(ledger, operation.name, nothing)).toBeGreaterThan(0)
    }
  })

  test('finds a change that failed and was made all the same', () => {
    for (const operation of [put, rotate]) {
      const ledger = new Ledger()
      ledger.take([{ about: operation }, { ended: { code: 'UNAVAILABLE' } }])
      expect(faultsAfter(ledger, operation.name, stored)).toBeGreaterThan(0)
    }
  })

  test('finds a value that was never written, a duplicate number and a refusal without a reason', () => {
    expect(faultsAfter(new Ledger(), sharedName, stored)).toBeGreaterThan(0)
    expect(faultsAfter(new Ledger(), 'a', stored)).toBeGreaterThan(0)
    const [twice, refused] = [new Ledger(), new Ledger()]
    twice.take([rotate, rotate].flatMap((about) => [{ about }, { ended: { version: 1 } }]))
    refused.take([{ about: put }, { ended: { code: 'DELETED' } }])
    expect([twice.faults.length, refused.faults.length]).toEqual([1, 1])
  })
})
