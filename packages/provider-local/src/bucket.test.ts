import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Bucket } from './bucket.ts'
import { lengthPrefixed } from './length-prefixed.ts'

const mac = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
const secrets = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), mac), { selector: ([path]) => path, maxLength: 20 })

describe('a bucket', () => {
  test('has one text, each path before its MAC, sorted, in whatever order the secrets come', () => {
    fc.assert(
      fc.property(secrets, (entries) => {
        const sorted = entries.toSorted(([one], [other]) => (one < other ? -1 : 1))
        expect(Bucket.of(new Map(entries)).text).toEqual(lengthPrefixed(sorted.flat()))
      }),
    )
  })

  test('knows its paths, and the MAC of each', () => {
    fc.assert(
      fc.property(secrets, (entries) => {
        const bucket = Bucket.of(new Map(entries))
        expect(bucket.paths.toSorted()).toEqual(entries.map(([path]) => path).toSorted())
        for (const [path, expected] of entries) expect(bucket.mac(path)).toEqual(expected)
        expect(bucket.mac('not there\0')).toBeUndefined()
      }),
    )
  })

  test('with changes is the bucket that is made of them at once, and stays as it was', () => {
    fc.assert(
      fc.property(secrets, secrets, (entries, changes) => {
        const bucket = Bucket.of(new Map(entries))
        const text = Buffer.from(bucket.text)
        const changed = bucket.with(new Map(changes))
        const whole = Bucket.of(new Map([...entries, ...changes]))
        expect([changed.text, changed.paths]).toEqual([whole.text, whole.paths])
        expect(bucket.text).toEqual(text)
      }),
    )
  })

  test('in which only MACs change keeps every other byte', () => {
    const bucket = Bucket.of(
      new Map([
        ['a', Buffer.alloc(32, 1)],
        ['b', Buffer.alloc(32, 2)],
      ]),
    )
    const changed = bucket.with(new Map([['b', Buffer.alloc(32, 3)]]))
    expect([changed.mac('a'), changed.mac('b'), bucket.mac('b')]).toEqual([1, 3, 2].map((byte) => Buffer.alloc(32, byte)))
  })
})
