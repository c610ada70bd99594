import { describe, expect, it } from 'vitest'
import { leaksOf } from './leaks.ts'
import { matchedTexts } from './matched-texts.ts'

const canary = 'canary-77ab-of-a-match'

const matching: Record<string, () => unknown> = {
  test: () => /a/.test(canary),
  'test that fails': () => /never/.test(canary),
  exec: () => /a/.exec(canary),
  match: () => canary.match(/a/),
  matchAll: () => [...canary.matchAll(/a/g)],
  replace: () => canary.replace(/a/, 'b'),
  replaceAll: () => canary.replaceAll(/a/g, 'b'),
  search: () => canary.search(/a/),
  split: () => canary.split(/-/),
  'test that is overwritten by another match': () => /a/.test(canary) && /x/.test('x'),
  'test in a later turn of the event loop': async () => {
    await new Promise((resolve) => setImmediate(resolve))
    return /a/.test(canary)
  },
}

describe('matchedTexts', () => {
  it.each(Object.entries(matching))('returns the text of %s', async (_, run) => {
    expect(leaksOf(await matchedTexts(run), canary)).not.toEqual([])
  })

  it('returns what RegExp keeps of a match that it did not see', async () => {
    const { exec } = RegExp.prototype
    expect(await matchedTexts(() => exec.call(/a/, canary))).toContain(canary)
  })

  it('returns no text of earlier or later matches, or of methods without an expression', async () => {
    const { exec } = RegExp.prototype
    expect(/a/.test(canary)).toBe(true)
    const texts = await matchedTexts(() => [
      canary.split('-'),
      canary.replaceAll('a', 'b'),
      canary.includes('a'),
      JSON.parse(`"${canary}"`),
    ])
    expect(/a/.test(canary)).toBe(true)
    expect(leaksOf(texts, canary)).toEqual([])
    expect(RegExp.prototype.exec).toBe(exec)
  })

  it('rejects as the function does, and restores `exec`', async () => {
    const { exec } = RegExp.prototype
    await expect(matchedTexts(async () => Promise.reject(new RangeError('no')))).rejects.toThrow(RangeError)
    expect(RegExp.prototype.exec).toBe(exec)
  })
})
