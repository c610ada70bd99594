import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Bucket } from './bucket.ts'
import { lengthPrefixed } from './length-prefixed.ts'

const mac = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
const secrets = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), mac), { selector: ([path]) => path, maxLength: 20 })

const textOf = (bucket: Bucket): Buffer => Buffer.concat(bucket.text)

describe('a bucket', () => {
  test('has one text, each path before its MAC, sorted, in whatever order the secrets come', () => {
    fc.assert(
      fc.property(secrets, (entries) => {
        const sorted = entries.toSorted(([one], [other]) => (one < other ? -1 : 1))
        expect(textOf(Bucket.of(new Map(entries)))).toEqual(lengthPrefixed(sorted.flat()))
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

  test('with changes, again and again, is the bucket that is made of them at once; what it was made of stays as it was', () => {
    const steps = fc.array(fc.tuple(secrets, fc.boolean()), { maxLength: 5 })
    fc.assert(
      fc.property(secrets, steps, (entries, changes) => {
        const model = new Map(entries)
        let bucket = Bucket.of(model)
        for (const [step, isSettled] of changes) {
          const [before, text] = [bucket, textOf(bucket)]
          bucket = bucket.with(new Map(step))
          expect(textOf(before)).toEqual(text)
          for (const [path, each] of step) model.set(path, each)
          if (isSettled) bucket = bucket.settled()
          expect(textOf(bucket)).toEqual(textOf(Bucket.of(model)))
          for (const [path, each] of model) expect(bucket.mac(path)).toEqual(each)
        }
      }),
    )
  })

  test('in which one MAC changes keeps every other byte', () => {
    const bucket = Bucket.of(new Map(['a', 'b', 'c'].map((path, index) => [path, Buffer.alloc(32, index)])))
    const changed = bucket.with(new Map([['b', Buffer.alloc(32, 9)]]))
    const macs = (of: Bucket): unknown[] => of.paths.map((path) => of.mac(path)?.[0])
    expect([macs(changed), macs(bucket)]).toEqual([
      [0, 9, 2],
      [0, 1, 2],
    ])
    expect([macs(changed.settled()), textOf(changed.settled())]).toEqual([[0, 9, 2], textOf(changed)])
  })
})
