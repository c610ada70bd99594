import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { secretParts } from './secret-parts.ts'

const partsOf = (text: string): string[] => secretParts(text).map((part) => `${part.field} ${part.text}`)

describe('secret parts of a value', () => {
  it.each([
    ['postgres://shop:canary@db.test/shop', ['password canary']],
    ['postgres://shop:can%20ary@db.test/shop', ['password can ary']],
    ['postgres://shop:can+a%2fry@db.test/shop', ['password can+a%2fry', 'password can+a/ry']],
    ['mongodb://u:canary@h1:1,h2:2/x?replicaSet=y', ['password canary']],
    ['redis://:canary@cache', ['password canary']],
    ['https://u:a:b@h', ['password a:b']],
    ['https://u:a%zz@h', ['password a%zz']],
    ['https://u:a@b@h', ['password a@b']],
    ['https://user@h/x?a=b:c@d', []],
    ['https://h/path:x@y', []],
    ['https://u:@h', []],
    ['postgres://postgres:postgres@localhost/app', []],
    ['no url: a@b', []],
    ['://u:canary@h', []],
    ['see https://u:canary@h', []],
  ])('of the URL %s are %j', (text, parts) => {
    expect(partsOf(text)).toEqual(parts)
  })

  it.each([
    ['{"username":"shop","password":"canary","host":"db"}', ['password canary']],
    [
      '{"db":{"url":"postgres://u:canary@h","Client-Id":"x"},"keys":["one","two"]}',
      ['db/url postgres://u:canary@h', 'db/url/password canary', 'keys/0 one', 'keys/1 two'],
    ],
    ['{"user":"postgres","password":"postgres"}', []],
    ['{"private_key":"canary","type":"service_account","auth_uri":"https://a"}', ['private_key canary']],
    ['{"port":5432,"on":true,"none":null}', []],
    ['"canary"', []],
    ['{"a":', []],
    ['null', []],
  ])('of the document %s are %j', (text, parts) => {
    expect(partsOf(text)).toEqual(parts)
  })

  it('of a URL have the password that a client sends', () => {
    const text = fc.string({ minLength: 12, maxLength: 24 })
    fc.assert(
      fc.property(text, (password) => {
        const url = `postgres://shop:${encodeURIComponent(password)}@db.test:5432/shop`
        expect(secretParts(url).map((part) => part.text)).toContain(password)
        expect(
          secretParts(JSON.stringify({ url, password }))
            .filter((part) => part.text === password)
            .map(({ field }) => field),
        ).toEqual(expect.arrayContaining(['url/password', 'password']))
      }),
    )
  })

  it('are found of any text without an error', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => Array.isArray(secretParts(text))))
  })

  it('may have lone surrogates', () => {
    expect(partsOf('https://u:canary\ud800@h')).toEqual(['password canary\ud800', 'password canary\ufffd'])
  })

  it('leave nothing of the value in RegExp', () => {
    const isLeft = (): boolean => [RegExp.input, RegExp.lastMatch, RegExp.leftContext].some((left) => left.includes('canary'))
    ;/x/.test('x')
    secretParts('postgres://shop:canary@db.test/shop')
    secretParts('{"password":"canary","b":{"c":"postgres://shop:canary@db.test"}}')
    expect(isLeft()).toBe(false)
  })
})
