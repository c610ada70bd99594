import fc from 'fast-check'
import { expect, test } from 'vitest'
import { deriveKeyRing } from './key-ring.ts'
import { type KeyNames, keyNamesOf } from './key-names.ts'
import { context, fleetOver } from '../testing/fleet.ts'

const keys = deriveKeyRing([Buffer.alloc(32, 1)], Buffer.alloc(32, 2))

interface Position {
  readonly namespace: string
  readonly sharedAs: string
  readonly path: string
  readonly version: number | 'previous' | undefined
}

function namesOf({ namespace, ...key }: Position): KeyNames {
  return keyNamesOf(key, { keys, namespace, keyPrefix: 'fs1:' })
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
const position: fc.Arbitrary<Position> = fc.record({
  namespace: text,
  sharedAs: text,
  path: text,
  version: fc.oneof(fc.constantFrom(undefined, 'previous' as const), fc.integer({ min: 1, max: 20 })),
})

test('no two of 1,000 combinations of namespace, store, path and version share a key name', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(position, { minLength: 1_000, maxLength: 1_000, selector: (one) => JSON.stringify(Object.values(one)), size: 'max' }),
      (all) => {
        const names = all.map(namesOf)
        expect(new Set(names.map(({ entry }) => entry)).size).toBe(all.length)
        expect(new Set(names.map(({ lease }) => lease)).size).toBe(all.length)
        const paths = new Set(all.map(({ namespace, sharedAs, path }) => JSON.stringify([namespace, sharedAs, path])))
        expect(new Set(names.map(({ generation }) => generation)).size).toBe(paths.size)
      },
    ),
    { numRuns: 5 },
  )
})

test('all key names of a path share its hash tag, whatever namespace and path contain', () => {
  fc.assert(
    fc.property(position, (one) => {
      const { generation, entry, lease } = namesOf(one)
      const tag = /^fs1:\{[\w-]{32}\}/.exec(generation)?.[0]
      expect([entry, lease].map((name) => name.slice(0, tag?.length))).toEqual([tag, tag])
    }),
  )
})

test('a path with an unpaired surrogate, which UTF-8 would change, has no key names: the cache is not asked', async () => {
  for (const wrong of [{ path: 'a\ud800' }, { sharedAs: '\udc00' }]) {
    const one = { namespace: 'team', sharedAs: 'store', path: 'a', version: undefined, ...wrong }
    expect(() => namesOf(one)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    const cache = fleetOver().another()
    expect(await cache.read(one, context)).toEqual({ leaseToken: {}, unavailable: true })
    await expect(cache.invalidate(one, context)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  }
})
