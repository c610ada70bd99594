import { SecretsError, type CallContext } from '@finchat/secrets-core'
import { leaksOf } from '@finchat/secrets-testkit'
import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { passwordIn, secretValue } from '../../testing/secret-value.ts'
import { testRotationTarget } from '../../testing/target-suite.ts'
import type { RotationTarget } from '../target.ts'
import { type Jwks, jwksOf, newKeyRing, ringIn, signingKeyOf, type SigningAlgorithm } from './key-ring.ts'
import { signingKeys, type SigningKeysOptions } from './signing-keys.ts'

const context: CallContext = { signal: new AbortController().signal }
const fence = { secret: 'jwt', token: 2 }
const kids = (ring: string): string[] => ringIn(ring).keys.map(({ kid }) => kid)

async function following(target: RotationTarget, ring: string): Promise<string> {
  return passwordIn(await target.next(await secretValue(ring), () => 'not used'))
}

async function signed(ring: string): Promise<string> {
  const { kid, alg, key } = signingKeyOf(ring)
  return new SignJWT({ sub: 'user' }).setProtectedHeader({ alg, kid }).sign(key)
}

async function isVerified(token: string, ring: string): Promise<boolean> {
  return jwtVerify(token, createLocalJWKSet(jwksOf(ring))).then(
    ({ payload }) => payload.sub === 'user',
    () => false,
  )
}

/** Where verifiers read, fenced as the docs ask for. */
class PublishedKeys {
  jwks: Jwks
  token = 0
  isReachable = true

  constructor(ring: string) {
    this.jwks = jwksOf(ring)
  }

  get target(): RotationTarget {
    const assertReachable = (): void => {
      if (!this.isReachable) throw new Error('connection refused')
    }
    return signingKeys({
      publish: async (jwks, { token }) => {
        assertReachable()
        if (token < this.token) throw new SecretsError('VERSION_CONFLICT', 'a later attempt was here')
        Object.assign(this, { jwks, token })
      },
      published: async () => {
        assertReachable()
        return this.jwks
      },
    })
  }
}

describe('a ring of signing keys that is published', () => {
  testRotationTarget(test, async () => {
    const current = await newKeyRing()
    const published = new PublishedKeys(current)
    return {
      target: published.target,
      current,
      accepts: async (ring) => JSON.stringify(published.jwks) === JSON.stringify(jwksOf(passwordIn(ring))),
      breakServer: async () => {
        published.isReachable = false
        return async () => void (published.isReachable = true)
      },
      close: async () => {},
    }
  })
})

describe.each<SigningAlgorithm>(['EdDSA', 'ES256', 'RS256'])('a ring of %s keys', (algorithm) => {
  test('publishes a key before it signs, and verifies what the former key signed', { timeout: 120_000 }, async () => {
    const target = signingKeys({ algorithm })
    const rings = [await newKeyRing(algorithm)]
    for (let at = 0; at < 3; at += 1) rings.push(await following(target, rings[at] ?? ''))
    const tokens = await Promise.all(rings.map(signed))
    for (const [at, ring] of rings.entries()) {
      const token = tokens[at] ?? ''
      expect(await isVerified(token, ring)).toBe(true)
      // Verifiers may still have the JWKS before, or already the one after.
      expect(await isVerified(token, rings[Math.max(at - 1, 0)] ?? '')).toBe(true)
      expect(await isVerified(token, rings[Math.min(at + 1, 3)] ?? '')).toBe(true)
      expect(await target.test(await secretValue(ring), context)).toBe('accepted')
    }
    expect(await isVerified(tokens[0] ?? '', rings[2] ?? '')).toBe(false)
    expect(new Set(rings.map((ring) => signingKeyOf(ring).kid)).size).toBe(4)
  })

  test('has kids that are thumbprints, and a JWKS without private members', async () => {
    const { keys } = jwksOf(await newKeyRing(algorithm))
    for (const key of keys) {
      expect(key.kid).toBe(await calculateJwkThumbprint(key))
      expect(Object.keys(key).filter((member) => /^(d|p|q|dp|dq|qi|k)$/.test(member))).toEqual([])
    }
  })
})

describe('a ring', () => {
  test('keeps as many former keys as its option says', async () => {
    const target = signingKeys({ former: 3 })
    let ring = await newKeyRing()
    for (const length of [3, 4, 5, 5, 5]) {
      const former = ring
      ring = await following(target, ring)
      expect(kids(ring)).toHaveLength(length)
      expect(kids(ring).slice(1, 3)).toEqual(kids(former).slice(0, 2))
    }
  })

  test('moves to another algorithm over one rotation', async () => {
    const target = signingKeys({ algorithm: 'ES256' })
    const second = await following(target, await newKeyRing('EdDSA'))
    const third = await following(target, second)
    expect([signingKeyOf(second).alg, signingKeyOf(third).alg]).toEqual(['EdDSA', 'ES256'])
    expect(await isVerified(await signed(third), second)).toBe(true)
  })

  test('that was changed is refused, and no error quotes it', async () => {
    const ring = ringIn(await newKeyRing())
    const other = ringIn(await newKeyRing())
    const swapped = { ...ring, keys: ring.keys.map((key, at) => ({ ...key, x: other.keys[at]?.x })) }
    const cut = { ...ring, keys: ring.keys.map((key) => ({ ...key, d: 'AA' })) }
    for (const text of [swapped, cut, { ...ring, signing: 'none' }, { signing: 'a' }, 'text', ring.keys].map((each) =>
      JSON.stringify(each),
    ))
      expect(await signingKeys().test(await secretValue(text), context)).toBe('refused')
    const secret = String(ring.keys[0]?.d)
    for (const text of [`{"keys": "${secret}`, JSON.stringify({ ...ring, signing: 'none' })]) {
      const error = await signingKeys()
        .next(await secretValue(text), () => '')
        .catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
      expect(leaksOf(error, secret)).toEqual([])
    }
  })

  test.each<SigningAlgorithm>(['EdDSA', 'ES256', 'RS256'])('of %s whose public members are no texts is refused', async (algorithm) => {
    const { signing, keys } = ringIn(await newKeyRing(algorithm))
    for (const member of ['kty', algorithm === 'RS256' ? 'n' : 'x'])
      for (const wrong of [{ d: 'private' }, 7, null, undefined])
        expect(() => jwksOf(JSON.stringify({ signing, keys: keys.map((key) => ({ ...key, [member]: wrong })) }))).toThrow(
          expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
        )
  })

  test('that is not published yet is refused', async () => {
    const ring = await newKeyRing()
    const published = new PublishedKeys(await newKeyRing())
    const value = await secretValue(ring)
    expect(await published.target.test(value, context)).toBe('refused')
    await published.target.apply(value, fence, context)
    expect(await published.target.test(value, context)).toBe('accepted')
  })

  test('needs no place to publish: the service does it from the store', async () => {
    const target = signingKeys()
    const value = await secretValue(await newKeyRing())
    await target.apply(value, fence, context)
    expect(await target.test(value, context)).toBe('accepted')
  })

  test.each<[string, object]>([
    ['`algorithm`', { algorithm: 'HS256' }],
    ['`former`', { former: 0 }],
    ['`publish`', { publish: async () => {} }],
    ['`publish`', { publish: 1, published: 1 }],
    ['not known', { keep: 1 }],
  ])('has options, refused with %s', (problem, options) => {
    expect(() => signingKeys(options as SigningKeysOptions)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining(problem) }),
    )
  })
})
