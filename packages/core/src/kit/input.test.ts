import { describe, expect, it } from 'vitest'
import { failureOf } from '../testing/refusal.ts'
import { assertValue, assertVersionNumber, checkedTags } from './input.ts'

const invalid = expect.objectContaining({ code: 'INVALID_ARGUMENT' })
const canary = 'canary-91c0-of-an-input'

it('assertVersionNumber accepts only positive integers', () => {
  for (const version of [1, 2, Number.MAX_SAFE_INTEGER]) expect(() => assertVersionNumber(version)).not.toThrow()
  for (const version of [0, -1, 1.5, NaN, Infinity, 2 ** 53, '1', undefined, null]) {
    expect(() => assertVersionNumber(version)).toThrow(invalid)
  }
})

describe('assertValue', () => {
  const values = { minBytes: 1, maxBytes: 8, binary: true }

  it.each(['a', 'é'.repeat(4), new Uint8Array(8)])('takes %j', (value) => {
    expect(() => assertValue(value, values)).not.toThrow()
  })

  it('takes text where the store holds no bytes', () => {
    expect(() => assertValue('a', { ...values, binary: false })).not.toThrow()
  })

  it.each([
    ['too short', '', values],
    ['too long in bytes', 'é'.repeat(5), values],
    ['too long', new Uint8Array(9), values],
    ['text that no encoding gives back', '\ud800', values],
    ['no value', 7, values],
    ['bytes, where the store holds text', new Uint8Array(1), { ...values, binary: false }],
  ])('refuses what is %s', (_, value, bounds) => {
    expect(() => assertValue(value, bounds)).toThrow(invalid)
  })

  it('has a remedy for a lone surrogate that the store can take', () => {
    const remedyOf = (binary: boolean): string | undefined => failureOf(() => assertValue('\ud800', { ...values, binary })).remedy
    expect(remedyOf(true)).toBe('store it as bytes')
    expect(remedyOf(false)).toBe('encode it, say as base64')
  })

  it('shows nothing of the value', () => {
    expect(() => assertValue(`${canary}\ud800`, { ...values, maxBytes: 100 })).toThrow(/^(?!.*canary)/)
  })
})

describe('checkedTags', () => {
  const rules = { most: 2, isKey: (key: string) => key !== '', isValue: (value: string) => value.length <= 3, remedy: 'be short' }

  it('returns a copy, with null for a removed tag', () => {
    const tags = { team: 'a', old: null }
    const copy = checkedTags(tags, rules)
    expect(copy).toEqual(tags)
    expect(copy).not.toBe(tags)
  })

  it.each([{ '': 'a' }, { a: 'long' }, { a: '\ud800' }, { '\ud800': 'a' }, { a: 7 }, { a: '', b: '', c: '' }, [], 'a', null, undefined])(
    'refuses %j',
    (tags) => {
      expect(() => checkedTags(tags, rules)).toThrow(invalid)
    },
  )
})
