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
  'a URL': error({ url: `https://store/?value=${encodeURIComponent(canary)}` }),
  'a text itself': canary,
  'a cycle': cyclic(),
}

describe('leaksOf', () => {
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

  test('finds nothing in an error of ours, nor in what holds no canary', () => {
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
