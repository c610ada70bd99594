import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutFields, isWrittenText, fieldsInMap, setFields } from './nested-fields.ts'
import { SecretsError } from '../errors/secrets-error.ts'

const text = '{"user":"app","password":"00123","n":1.10}'
const map = (fields: Record<string, unknown>): string => JSON.stringify(fields)

describe('a JSON object that was written as one text to a store of maps', () => {
  it('is the only field, `value`', () => {
    expect(isWrittenText(map({ value: text }))).toBe(true)
    expect(isWrittenText('{ "value" : "{}" }')).toBe(true)
  })

  it.each([
    ['beside others', map({ value: text, other: 'x' })],
    ['of another name', map({ token: text })],
    ['that is no JSON', map({ value: '{"user"' })],
    ['that is an array', map({ value: '["a"]' })],
    ['that is a number', map({ value: '5' })],
    ['that is null', map({ value: 'null' })],
    ['that is an object of the map itself', '{"value":{"user":"app"}}'],
    ['that is missing', '{}'],
  ])('is not recognised in a field %s', (_, given) => {
    expect(isWrittenText(given)).toBe(false)
    expect(fieldsInMap(given, ['user'])).toEqual(['user'])
  })

  it('has its fields inside it, except `value`', () => {
    const written = map({ value: text })
    expect(cutFields(written, fieldsInMap(written, ['password']))).toBe('00123')
    expect(cutFields(written, fieldsInMap(written, ['/n']))).toBe('1.10')
    for (const own of ['value', '/value', '/value/x']) expect(fieldsInMap(written, [own])).toEqual([own])
    expect(fieldsInMap(written, ['value', 'user'])).toEqual(['value', 'user'])
  })

  it.each(['__proto__', 'constructor', ''])('has no inherited field %j', (field) => {
    const written = map({ value: text })
    expect(() => cutFields(written, fieldsInMap(written, [field]))).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})

describe('setFields', () => {
  it.each<[string | undefined, readonly string[], string]>([
    [undefined, ['a'], '{"a":"new"}'],
    [map({ value: text }), ['value', 'password'], map({ value: text.replace('00123', 'new') })],
    [map({ value: text }), ['value', 'more'], map({ value: text.replace('}', ',"more":"new"}') })],
    ['{"a":{"b":"{\\"c\\":1.10,\\"d\\":2}"}}', ['a', 'b', 'd'], '{"a":{"b":"{\\"c\\":1.10,\\"d\\":\\"new\\"}"}}'],
    ['{"a":"{\\"b\\":{\\"c\\":\\"old\\"}}"}', ['a', 'b', 'c'], '{"a":"{\\"b\\":{\\"c\\":\\"new\\"}}"}'],
    ['{"a/b":{"c~d":"old"}}', ['a/b', 'c~d'], '{"a/b":{"c~d":"new"}}'],
  ])('changes %s only at %j', (before, fields, after) => {
    expect(setFields(before, fields, 'new')).toBe(after)
  })

  it('writes what cutFields reads', () => {
    const key = fc.string({ minLength: 1, maxLength: 3 }).filter((name) => !name.startsWith('/') && name.isWellFormed())
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.boolean()), { minLength: 1, maxLength: 4 }), (levels) => {
        const fields = levels.map(([name]) => name)
        const nest = (inner: unknown, [name, isText]: readonly [string, boolean]): unknown => {
          const object = Object.fromEntries([[name, inner]])
          return isText ? JSON.stringify(object) : object
        }
        const whole = levels.toReversed().reduce<unknown>(nest, 'old')
        const given = typeof whole === 'string' ? whole : JSON.stringify(whole)
        expect(cutFields(given, fields)).toBe('old')
        expect(cutFields(setFields(given, fields, 'new'), fields)).toBe('new')
      }),
    )
  })

  it.each<[string, readonly string[]]>([
    ['{"a":"canary-51c3"}', ['a', 'b']],
    ['{"a":["canary-51c3"]}', ['a', 'b']],
    ['canary-51c3', ['a']],
  ])('refuses %s at %j without quoting it', (before, fields) => {
    try {
      expect.fail(setFields(before, fields, 'new'))
    } catch (error) {
      expect(SecretsError.isInstance(error) && error.code).toBe('INVALID_ARGUMENT')
      expect(String(error)).not.toContain('canary')
    }
  })
})
