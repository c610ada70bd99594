import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { SecretsError } from '../errors/secrets-error.ts'
import { writtenValue } from './input-value.ts'

const canary = 'canary-8d42'

function refusalOf(value: unknown): SecretsError {
  try {
    writtenValue(value)
  } catch (error) {
    if (SecretsError.isInstance(error)) return error
    throw error
  }
  throw new Error('it was taken')
}

describe('an input value', () => {
  it('is the same text, or a copy of the bytes', () => {
    expect(writtenValue('00123')).toEqual({ value: '00123', shape: undefined })
    const bytes = Uint8Array.of(1, 2)
    const { value } = writtenValue(bytes)
    bytes.fill(0)
    expect(value).toEqual(Uint8Array.of(1, 2))
  })

  it('becomes a map in JSON text if it is an object of strings', () => {
    expect(writtenValue({ user: 'app', password: '00123' })).toEqual({ value: '{"user":"app","password":"00123"}', shape: 'map' })
    expect(writtenValue(Object.assign(Object.create(null), { a: 'b' })).value).toBe('{"a":"b"}')
    expect(writtenValue(runInNewContext("({ a: 'b' })")).value).toBe('{"a":"b"}')
    expect(writtenValue(JSON.parse('{"__proto__":"own"}')).value).toBe('{"__proto__":"own"}')
  })

  it('has the same fields after JSON parsing', () => {
    const texts = fc.string({ unit: 'binary' }).filter((each) => each.isWellFormed())
    const names = texts.filter((name) => name !== '')
    fc.assert(
      fc.property(fc.dictionary(names, texts, { minKeys: 1 }), (fields) => {
        expect(Object.entries(JSON.parse(String(writtenValue(fields).value)))).toEqual(Object.entries(fields))
      }),
    )
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a number', 5],
    ['an array', [canary]],
    ['a Map', new Map([['a', canary]])],
    ['a Date', new Date()],
    [
      'an object of a class',
      new (class {
        token = canary
      })(),
    ],
    ['a Promise', Promise.resolve(canary)],
    ['an object with no fields', {}],
    ['an object with a number', { a: canary, b: 5 }],
    ['an object with an object', { a: { b: canary } }],
    ['an object with null', { a: canary, b: null }],
    ['an object with undefined', { a: canary, b: undefined }],
    ['an object with a symbol', { a: canary, [Symbol('b')]: canary }],
    ['an object with a member that is not seen', Object.defineProperty({ a: canary }, 'b', { value: canary, enumerable: false })],
    [
      'an object with a getter',
      {
        get a(): string {
          throw new Error(canary)
        },
      },
    ],
    ['a field without a name', { '': canary }],
    ['a field with a lone surrogate', { a: `${canary}\ud800` }],
    ['a name with a lone surrogate', { [`${canary}\ud800`]: 'x' }],
    ['a text with a lone surrogate', `${canary}\ud800`],
  ])('is refused if it is %s, and not shown', (_, value) => {
    const error = refusalOf(value)
    expect([error.code, error.remedy === undefined]).toEqual(['INVALID_ARGUMENT', false])
    expect(error.message).not.toContain('canary')
  })

  describe('under a polluted prototype', () => {
    afterEach(() => {
      delete (Object.prototype as { toJSON?: unknown }).toJSON
      delete (Object.prototype as { extra?: unknown }).extra
    })

    it('uses only its own members', () => {
      Object.assign(Object.prototype, { toJSON: () => 'theirs', extra: 'theirs' })
      expect(writtenValue({ a: 'b' }).value).toBe('{"a":"b"}')
    })
  })

  it('is never passed to a regular expression', () => {
    const isLeft = (): boolean => [RegExp.input, RegExp.lastMatch, RegExp.leftContext].some((left) => left.includes(canary))
    ;/x/.test('x')
    writtenValue({ [canary]: canary })
    refusalOf({ [canary]: canary, b: 5 })
    expect(isLeft()).toBe(false)
  })
})
