import { describe, expect, it } from 'vitest'
import { nearest } from './nearest.ts'

describe('nearest', () => {
  const known = ['provider', 'fallbacks', 'cacheTtl', 'mustExist']

  it.each([
    ['provder', 'provider'],
    ['providers', 'provider'],
    ['must_exist', 'mustExist'],
    ['CACHE-TTL', 'cacheTtl'],
    ['falbaks', 'fallbacks'],
    ['x', undefined],
    ['', undefined],
    ['vault', undefined],
  ])('to %j is %j', (word, meant) => {
    expect(nearest(word, known)).toBe(meant)
  })

  it('leaves the word nowhere: it may be a value in the wrong place', () => {
    expect(/./.test('earlier')).toBe(true)
    nearest('--value_of_a_secret', known)
    expect(RegExp.input).toBe('earlier')
  })

  it('prefers what is nearer', () => {
    expect(nearest('cat', ['cart', 'car', 'cat'])).toBe('cat')
    expect(nearest('cut', ['cast', 'cat'])).toBe('cat')
  })

  it('takes half of a short word at most for a slip', () => {
    expect(nearest('k8s', ['aws', 'env'])).toBeUndefined()
    expect(nearest('AWS', ['env', 'aws'])).toBe('aws')
    expect(nearest('enw', ['env', 'aws'])).toBe('env')
  })

  it('takes no time for a long word', () => {
    expect(nearest('a'.repeat(10_000), known)).toBeUndefined()
  })
})
