import { SecretsError } from '@finchat/secrets-core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { leaksOf } from './leaks.ts'

const canary = 'c4n4ry-Zq7?é-must-not-leak'
const error = (members: object): Error => Object.assign(new Error('refused'), members)

const leaky: Readonly<Record<string, unknown>> = {
  'a message': new Error(`cannot write ${canary}`),
  'a cause': new Error('refused', { cause: new Error('inner', { cause: canary }) }),
  'one of several errors': new AggregateError([new Error('one'), new Error(canary)]),
  'a stack': error({ stack: `Error\n  at ${canary}` }),
  'a deep member': error({ config: { headers: [{ nested: { 'x-token': canary } }] } }),
  'a hidden member': Object.defineProperty(new Error('refused'), '$response', { value: { body: canary } }),
  'a symbol member': error({ [Symbol('request')]: canary }),
  'an accessor': Object.defineProperty(new Error('refused'), 'body', { get: () => canary }),
  'a key': error({ [canary]: true }),
  'a map': error({ headers: new Map([['token', canary]]) }),
  'a set': error({ values: new Set([canary]) }),
  'toJSON only': { toJSON: () => canary },
  'toString only': { toString: () => canary },
  bytes: error({ body: Buffer.from(`{"value":"${canary}"}`) }),
  'an array of bytes': error({ body: { type: 'Buffer', data: [...Buffer.from(`x${canary}x`)] } }),
  'bytes printed in a message': new Error(String(Buffer.from(canary).toString('hex').match(/../g)?.join(' '))),
  hex: error({ body: Buffer.from(canary).toString('hex').toUpperCase() }),
  'bytes of UTF-16': error({ body: Buffer.from(`x${canary}`, 'utf16le') }),
  'bytes of UTF-16, big-endian': error({ body: Buffer.from(`x${canary}`, 'utf16le').swap16() }),
  'hex of UTF-16': error({ body: Buffer.from(canary, 'utf16le').toString('hex') }),
  'bytes spread into an object': error({ body: { ...Buffer.from(canary) } }),
  'JSON of bytes spread into an object': error({ body: JSON.stringify({ ...Buffer.from(canary) }, null, 2) }),
  'numbers of characters': error({ body: [...canary].map((character) => character.charCodeAt(0)) }),
  'base64 of base64': error({ body: base64(`x${base64(`{"value":"${canary}"}`)}`) }),
  'hex of base64': error({ body: Buffer.from(base64(`"${canary}"`)).toString('hex') }),
  'base64 in lines': error({ body: base64(`${'x'.repeat(40)}${canary}`).replaceAll(/.{76}/g, '$&\r\n') }),
  'a URL': error({ url: `https://store/?value=${encodeURIComponent(canary)}` }),
  'a URL in a URL': error({ url: encodeURIComponent(`https://store/?value=${encodeURIComponent(canary)}`) }),
  'a URL that escapes every character': error({ url: Buffer.from(canary).toString('hex').replaceAll(/../g, '%$&') }),
  'entities of HTML': error({ page: [...canary].map((character) => `&#${character.charCodeAt(0)};`).join('') }),
  'hexadecimal entities of HTML': error({ page: [...canary].map((character) => `&#x${character.charCodeAt(0).toString(16)};`).join('') }),
  'escapes of JSON': error({
    body: [...canary].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  }),
  text: canary,
  'a cycle': cyclic(),
}

describe('leaksOf', () => {
  test.each([`"quoted" & <marked> 'canary'`, 'back\\slashed\\canary', '100%-c4n4ry %41', 'with spaces 12: 34 canary'])(
    'finds %s, which escaping changes',
    (text) => {
      const html = text
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;')
        .replaceAll('"', '&quot;')
        .replaceAll("'", '&apos;')
      const json = JSON.stringify({ text })
      for (const form of [text, html, json, JSON.stringify({ json }), encodeURIComponent(text), encodeURIComponent(json), base64(json)]) {
        expect(leaksOf({ form }, text), form).toContain('.form')
      }
    },
  )

  for (const [place, thing] of Object.entries(leaky)) {
    test(`finds a canary in ${place}`, () => {
      expect(leaksOf(thing, canary)).not.toEqual([])
    })
  }

  test('finds a canary in base64 at any offset', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 9 }),
        fc.uint8Array({ maxLength: 9 }),
        fc.constantFrom('base64', 'base64url'),
        (before, after, encoding) => {
          const body = Buffer.concat([before, Buffer.from(canary), after]).toString(encoding)
          expect(leaksOf({ body }, canary)).toContain('.body')
        },
      ),
    )
  })

  test('finds nothing by chance, whatever a canary of 8 bytes is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'bcdfghjkvwxz23456789é€'), minLength: 8, maxLength: 8 }), (text) => {
        expect(leaksOf({ a: 'UNAVAILABLE', place: 'the store cannot be reached' }, text)).toEqual([])
      }),
    )
  })

  test.each(['', 'sk_test', 'ééé'])('refuses the canary %j, which is found by chance, and does not quote it', (short) => {
    const refusal = (): unknown => leaksOf(new Error('refused'), short)
    expect(refusal).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', remedy: expect.stringContaining('12 characters') as string }),
    )
    if (short !== '') expect(refusal).not.toThrow(short)
  })

  test('finds nothing in a SecretsError, or in values without the canary', () => {
    for (const clean of [
      new SecretsError('UNAVAILABLE', 'cannot be reached', { remedy: 'try again' }),
      undefined,
      null,
      1,
      canary.slice(1),
      { throws: throwing() },
    ]) {
      expect(leaksOf(clean, canary)).toEqual([])
    }
  })
})

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function cyclic(): object {
  const thing: Record<string, unknown> = { value: canary }
  thing['self'] = thing
  return thing
}

function throwing(): object {
  return Object.defineProperty({}, 'body', {
    enumerable: true,
    get: () => {
      throw new Error('not now')
    },
  })
}
