import { expect, test } from 'vitest'
import { checkedNote } from './note.ts'

test('copies a note, and gives equal notes equal JSON', () => {
  const note = { plan: 'monthly', by: 'rotator-1' }
  const copy = checkedNote(note)
  expect(copy).toEqual(note)
  expect(copy).not.toBe(note)
  expect(JSON.stringify(copy)).toBe(JSON.stringify(checkedNote({ by: 'rotator-1', plan: 'monthly' })))
  expect(checkedNote(undefined)).toBeUndefined()
})

test('keeps a key that the prototype has', () => {
  const note: unknown = JSON.parse('{"__proto__":"x"}')
  expect(JSON.stringify(checkedNote(note))).toBe('{"__proto__":"x"}')
})

test('accepts 1,024 bytes of JSON, and no more', () => {
  const empty = Buffer.byteLength(JSON.stringify({ by: '' }))
  expect(checkedNote({ by: 'x'.repeat(1_024 - empty) })?.['by']).toHaveLength(1_024 - empty)
  expect(() => checkedNote({ by: 'x'.repeat(1_025 - empty) })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  expect(() => checkedNote({ by: '€'.repeat(400) })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})

test.each([null, 'text', ['x'], 7, { by: 7 }, { by: null }, { by: { nested: 'x' } }, { by: '\ud800' }, { '\ud800': 'x' }])(
  'refuses %j',
  (note) => {
    expect(() => checkedNote(note)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  },
)
