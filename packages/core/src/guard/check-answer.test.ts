import { describe, expect, it } from 'vitest'
import { descriptionOf, isStoredSecret, listedOf } from './check-answer.ts'

const canary = 'canary-2f61'

describe('descriptionOf', () => {
  it('keeps only metadata, at every depth', () => {
    const described = descriptionOf({
      value: canary,
      version: 2,
      tags: { team: 'pay', other: { value: canary } },
      versions: [{ version: 1, value: canary, currentSince: 5 }],
      metadata: canary,
    })
    expect(described).toEqual({ version: 2, tags: { team: 'pay' }, versions: [{ version: 1, currentSince: 5 }] })
  })
})

describe('listedOf', () => {
  it('keeps the path and text tags', () => {
    const listed = { path: 'a', tags: { team: 'pay', count: 5 }, value: canary } as unknown as Parameters<typeof listedOf>[0] // a careless provider
    expect(listedOf(listed)).toEqual({ path: 'a', tags: { team: 'pay' } })
  })
})

describe('isStoredSecret', () => {
  it.each([null, 'text', {}, { value: 5 }, { value: 'v', version: 0 }, { value: 'v', version: '1' }, { value: 'v', expiresAt: NaN }])(
    'is false for %j',
    (answer) => {
      expect(isStoredSecret(answer)).toBe(false)
    },
  )

  it('is true for text and bytes', () => {
    expect([isStoredSecret({ value: '' }), isStoredSecret({ value: new Uint8Array(), version: 1, revision: 'r' })]).toEqual([true, true])
  })
})
