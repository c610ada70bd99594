import { expect, it } from 'vitest'
import { copyOutsideHeap, ownMemory } from './off-heap-bytes.ts'

it('ownMemory returns zeros in a buffer of their own', () => {
  const memory = ownMemory(32)
  expect([memory.length, memory.byteOffset, memory.buffer.byteLength]).toEqual([32, 0, 32])
  expect(memory.every((byte) => byte === 0)).toBe(true)
})

it.each([
  ['text', 'hunter2 é', Buffer.from('hunter2 é')],
  ['bytes', Uint8Array.of(1, 2, 3), Buffer.of(1, 2, 3)],
  ['a part of a larger buffer', Buffer.from('hunter2').subarray(2, 4), Buffer.from('nt')],
  ['no text', '', Buffer.alloc(0)],
])('copyOutsideHeap copies %s into memory of its own', (_, value, expected) => {
  const copy = copyOutsideHeap(value)
  expect(Buffer.from(copy)).toEqual(expected)
  expect([copy.byteOffset, copy.buffer.byteLength]).toEqual([0, expected.length])
})

it('overwriting the result of copyOutsideHeap keeps the original', () => {
  const given = Uint8Array.of(1, 2, 3)
  copyOutsideHeap(given).fill(0)
  expect([...given]).toEqual([1, 2, 3])
})
