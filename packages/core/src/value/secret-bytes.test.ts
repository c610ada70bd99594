import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { StoredSecret } from '../contract/provider.ts'
import { SecretBytes } from './secret-bytes.ts'
import { wholeJson } from './whole-json.ts'
import { Zeroizer } from './zeroizer.ts'

const metadata = { provider: 'p', askedAt: 0 }
const wiped = expect.objectContaining({ code: 'ABORTED' })

let zeroizer: Zeroizer
beforeEach(() => {
  vi.useFakeTimers()
  zeroizer = new Zeroizer()
})
afterEach(() => vi.useRealTimers())

function hold(value: StoredSecret['value'], shape?: 'map'): SecretBytes {
  return new SecretBytes({ value, shape }, metadata, zeroizer)
}

const anyCharacter = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code))
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme-ascii' }),
  fc.string({ unit: anyCharacter }),
  fc.string({ unit: fc.constantFrom('a', '\ud800', '\udc00', 'é', '\0') }),
)

describe('SecretBytes', () => {
  it('returns any text exactly as stored, at every read', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const held = hold(text)
        expect([held.text(), held.text(), held.isBinary]).toEqual([text, text, false])
        expect(held.bytes()).toEqual(Uint8Array.from(Buffer.from(text)))
      }),
    )
  })

  it.each<[string, string, 'map' | undefined, string]>([
    ['several fields', '{"user":"app","pin":1.10}', 'map', '{"user":"app","pin":1.10}'],
    ['one field', '{"password":"x"}', 'map', '{"password":"x"}'],
    ['a text that a store of fields keeps', '{"value":"[1, 2]"}', 'map', '[1, 2]'],
    ['a text', '{"a":1}', undefined, '{"a":1}'],
    ['a text that is no JSON', 'plain', undefined, 'plain'],
  ])('is whole as JSON: %s', (_, value, shape, text) => {
    const held = hold(value, shape)
    expect([held.part(wholeJson).text(), held.textAt(wholeJson)]).toEqual([text, text])
    held.release()
    expect(held.textAt(wholeJson)).toBe(text)
  })

  it('equals the same value, kind, version and revision, and does not change it', () => {
    const secrets: StoredSecret[] = [
      { value: 'v' },
      { value: '\ud800' },
      { value: '\ufffd' },
      { value: Uint8Array.of(118) },
      { value: 'v', shape: 'map' },
      { value: 'v', version: 1 },
      { value: 'v', revision: 'r' },
    ]
    const copyOf = ({ value, ...others }: StoredSecret): StoredSecret => ({
      ...others,
      value: typeof value === 'string' ? value : value.slice(),
    })
    for (const [n, { version, revision, ...secret }] of secrets.map(copyOf).entries()) {
      const held = new SecretBytes(secret, { ...metadata, version, revision }, zeroizer)
      expect(secrets.map((other) => held.equals(other))).toEqual(secrets.map((_, index) => index === n))
    }
    expect(secrets[3]?.value).toEqual(Uint8Array.of(118))
  })

  it('returns a copy of the bytes, and overwrites the given ones', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const given = bytes.slice()
        const held = hold(given)
        held.bytes().fill(7)
        expect(held.bytes()).toEqual(bytes)
        expect(given).toEqual(new Uint8Array(bytes.length))
      }),
    )
  })

  it.each(['', 'é', '\ud800'])("keeps its bytes and copies outside Node.js's buffer pool: %j", (suffix) => {
    const text = randomUUID() + suffix
    const held = hold(text)
    const { buffer: pool } = Buffer.from('neighbour')
    held.bytes()
    expect(Buffer.from(pool).includes(text.slice(0, 36))).toBe(false)
  })

  it('refuses to return binary as text', () => {
    const held = hold(Uint8Array.of(1, 2))
    expect(held.isBinary).toBe(true)
    expect(() => held.text()).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it('returns the same SecretValue for the same marks', () => {
    const held = hold('v')
    const marks = [false, true].flatMap((stale) => [false, true].map((degraded) => [stale, degraded] as const))
    const values = marks.map((mark) => held.value(...mark))
    expect(values.map(({ stale, degraded }) => [stale, degraded])).toEqual(marks)
    expect(marks.map((mark) => held.value(...mark))).toEqual(values)
    expect(new Set(values).size).toBe(4)
  })
})

describe('a part of a SecretBytes', () => {
  it('is the secret itself without fields, or the only field of a map', () => {
    const text = hold('{"a":"x"}')
    expect(text.part([])).toBe(text)
    expect(hold('{"a":"x"}', 'map').part([]).text()).toBe('x')
    expect(() => hold('{"a":"x","b":"y"}', 'map').part([])).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it('is made once, with the metadata of the whole', () => {
    const held = hold('{"a":"{\\"b\\":1.10}"}')
    const part = held.part(['a', 'b'])
    expect(part.text()).toBe('1.10')
    expect(held.part(['a', 'b'])).toBe(part)
    expect(held.part(['a']).text()).toBe('{"b":1.10}')
    expect(part.metadata).toBe(metadata)
  })

  it('is a field of a JSON object written as one text to a store of maps', () => {
    const held = hold('{"value":"{\\"a\\":1.10}"}', 'map')
    expect([held.part(['a']).text(), held.part(['value']).text(), held.part([]).text()]).toEqual(['1.10', '{"a":1.10}', '{"a":1.10}'])
    expect(() => hold('{"value":"{\\"a\\":1.10}"}').part(['a'])).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it('failing does not change the whole', () => {
    const held = hold('{"a":"x"}')
    held.part(['a'])
    expect(held.text()).toBe('{"a":"x"}')
  })
})

describe('the text of a part', () => {
  it('is the same before and after the release, until the whole is wiped', () => {
    const maps = [hold('{"a":"x"}', 'map'), hold('{"a":"x"}', 'map')]
    expect(maps[0]?.textAt([])).toBe('x')
    for (const map of maps) {
      map.release()
      expect([map.textAt([]), map.textAt(['a'])]).toEqual(['x', 'x'])
      vi.runAllTimers()
      expect(() => map.textAt([])).toThrow(wiped)
    }
    expect(hold('v').textAt([])).toBe('v')
  })
})

describe('wiping', () => {
  it('follows the turn of the release if no SecretValue is held', () => {
    const held = hold('{"a":"x"}')
    const part = held.part(['a'])
    held.release()
    expect([held.text(), part.text()]).toEqual(['{"a":"x"}', 'x'])
    vi.runAllTimers()
    for (const each of [held, part]) expect(() => each.text()).toThrow(wiped)
  })

  it('spares bytes of a held SecretValue, whole or part', () => {
    const whole = hold('v')
    const value = whole.value(false, false)
    const json = hold('{"a":"x"}')
    const part = json.part(['a']).value(false, false)
    whole.release()
    json.release()
    vi.runAllTimers()
    expect([value.reveal(), part.reveal()]).toEqual(['v', 'x'])
    expect(() => json.text()).toThrow(wiped)
  })

  it('spares a part made after the release', () => {
    const value = hold('{"a":"x"}', 'map').value(false, false)
    const held = hold('{"a":"x"}')
    held.release()
    const late = held.part(['a'])
    vi.runAllTimers()
    expect([value.reveal(), late.text()]).toEqual(['x', 'x'])
    zeroizer.wipeAll()
    expect(() => late.text()).toThrow(wiped)
  })

  it('makes every read throw instead of returning zeros', () => {
    for (const held of [hold('v'), hold('é'), hold('\ud800'), hold(Uint8Array.of(1, 2)), hold('{"a":"x"}', 'map')]) {
      const value = held.value(false, false)
      held.digest((bytes) => Uint8Array.from(bytes))
      zeroizer.wipeAll()
      const ways = [
        () => held.text(),
        () => held.bytes(),
        () => held.part(['a']),
        () => held.digest((bytes) => bytes),
        () => value.reveal(),
        () => value.bytes(),
        () => value.json(),
      ]
      for (const way of ways) expect(way).toThrow(wiped)
    }
  })

  it('reaches held values only by wipeAll', () => {
    const held = hold('v')
    const value = held.value(false, false)
    held.release()
    held.release()
    vi.runAllTimers()
    expect(value.reveal()).toBe('v')
    zeroizer.wipeAll()
    expect(() => value.reveal()).toThrow(wiped)
  })
})

describe('the digest of a SecretBytes', () => {
  it('is computed once, from the bytes', () => {
    const compute = vi.fn<(bytes: Uint8Array) => Uint8Array>((bytes) => Uint8Array.from(bytes))
    const held = hold('abc')
    held.digest(compute)
    expect(Buffer.from(held.digest(compute)).toString()).toBe('abc')
    expect(compute).toHaveBeenCalledTimes(1)
  })

  it('survives the wipe for a comparison that has begun', () => {
    const held = hold('abc')
    const digest = held.digest((bytes) => Buffer.from(bytes))
    held.release()
    vi.runAllTimers()
    expect(Buffer.from(digest).toString()).toBe('abc')
  })

  it('is overwritten with the value', () => {
    const held = hold('abc')
    const kept = Uint8Array.of(1, 2, 3)
    held.digest(() => kept)
    held.release()
    vi.runAllTimers()
    expect(kept).toEqual(new Uint8Array(3))
  })

  it('is that of an empty value for a lone surrogate', () => {
    expect(hold('\ud800').digest((bytes) => Uint8Array.from(bytes))).toEqual(new Uint8Array(0))
    expect(hold('\ufffd').digest((bytes) => Uint8Array.from(bytes))).toHaveLength(3)
  })
})
