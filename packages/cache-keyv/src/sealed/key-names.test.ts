import fc from 'fast-check'
import { expect, test } from 'vitest'
import { deriveCacheKeys } from './key-ring.ts'
import { type Places, placesOf } from './key-names.ts'
import { context, fleetOver } from '../testing/fleet.ts'

const { index } = deriveCacheKeys([Buffer.alloc(32, 1)], Buffer.alloc(32, 2))

interface Who {
  readonly namespace: string
  readonly sharedAs: string
  readonly path: string
  readonly version: number | 'previous' | undefined
}

function placesFor({ namespace, ...key }: Who): Places {
  return placesOf(key, { index, namespace, keyPrefix: 'fs1:' })
}

const hostile = [
  '',
  'a',
  'a:b',
  'a::b',
  'b:c',
  'a/b',
  'a\0b',
  '{a}',
  'a}',
  '*',
  'é',
  'e\u0301',
  'а',
  'a\u200b',
  'A',
  '1',
  'previous',
  'undefined',
  '\u0000\u0000\u0000\u0001a',
]
const text = fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'grapheme', maxLength: 6 }))
const who: fc.Arbitrary<Who> = fc.record({
  namespace: text,
  sharedAs: text,
  path: text,
  version: fc.oneof(fc.constantFrom(undefined, 'previous' as const), fc.integer({ min: 1, max: 20 })),
})

test('over all pairs of 1,000 tenants, names and versions no two share a place', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(who, { minLength: 1_000, maxLength: 1_000, selector: (one) => JSON.stringify(Object.values(one)), size: 'max' }),
      (all) => {
        const places = all.map(placesFor)
        expect(new Set(places.map(({ entry }) => entry)).size).toBe(all.length)
        expect(new Set(places.map(({ turn }) => turn)).size).toBe(all.length)
        const paths = new Set(all.map(({ namespace, sharedAs, path }) => JSON.stringify([namespace, sharedAs, path])))
        expect(new Set(places.map(({ generation }) => generation)).size).toBe(paths.size)
      },
    ),
    { numRuns: 5 },
  )
})

test('all places of one path have its hash tag, which no namespace and no name can move', () => {
  fc.assert(
    fc.property(who, (one) => {
      const { generation, entry, turn } = placesFor(one)
      const tag = /^fs1:\{[\w-]{32}\}/.exec(generation)?.[0]
      expect([entry, turn].map((place) => place.slice(0, tag?.length))).toEqual([tag, tag])
    }),
  )
})

test('half a surrogate pair, which in UTF-8 looks like any other, is given no place: the level cannot be asked for it', async () => {
  for (const wrong of [{ path: 'a\ud800' }, { sharedAs: '\udc00' }]) {
    const one = { namespace: 'team', sharedAs: 'store', path: 'a', version: undefined, ...wrong }
    expect(() => placesFor(one)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    const cache = fleetOver().another()
    expect(await cache.read(one, context)).toEqual({ ticket: {}, unavailable: true })
    await expect(cache.invalidate(one, context)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  }
})
