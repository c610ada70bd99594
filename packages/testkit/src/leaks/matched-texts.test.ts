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
  it.each(Object.entries(matching))('tells of %s', async (_, run) => {
    expect(leaksOf(await matchedTexts(run), canary)).not.toEqual([])
  })

  it('tells of what RegExp remembers, though its expression was not seen', async () => {
    const { exec } = RegExp.prototype
    expect(await matchedTexts(() => exec.call(/a/, canary))).toContain(canary)
  })

  it('tells nothing of what was matched before, of strings without expressions, and of what comes afterwards', async () => {
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

  it('rejects as what it runs, and watches no longer', async () => {
    const { exec } = RegExp.prototype
    await expect(matchedTexts(async () => Promise.reject(new RangeError('no')))).rejects.toThrow(RangeError)
    expect(RegExp.prototype.exec).toBe(exec)
  })
})
