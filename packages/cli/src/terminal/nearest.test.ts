import { matchedTexts } from '@finchat/secrets-testkit'
import { describe, expect, it } from 'vitest'
import { nearest } from './nearest.ts'
import { visible } from './visible.ts'

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

  it('prefers what is nearer, and takes no time for a long word', () => {
    expect(nearest('cat', ['cart', 'car', 'cat'])).toBe('cat')
    expect(nearest('cut', ['cast', 'cat'])).toBe('cat')
    expect(nearest('a'.repeat(10_000), known)).toBeUndefined()
  })
})

describe('visible', () => {
  it('keeps text, and escapes what a terminal obeys or hides', () => {
    expect(visible('für 🔑 \u001b\u0085\u200b\u2028\r')).toBe('für 🔑 \\u{1b}\\u{85}\\u{200b}\\u{2028}\\u{d}')
    expect(visible('a\tb\n', '\n\t')).toBe('a\tb\n')
  })

  it('leaves the text in no property of RegExp', async () => {
    const texts = await matchedTexts(async () => void visible('canary-4711'))
    expect(texts.length).toBeGreaterThan(0)
    expect(texts.join(' ')).not.toContain('canary')
  })
})
