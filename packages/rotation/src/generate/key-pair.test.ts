import { createPrivateKey, createPublicKey, sign, verify, type JsonWebKey, type KeyObject } from 'node:crypto'
import { expect, test } from 'vitest'
import { generateKeyPair, keyPairGenerator, type KeyPairOptions } from './key-pair.ts'

const types = ['ed25519', 'ec', 'rsa'] as const

function keysIn(format: 'pem' | 'jwk', privateText: string, publicText: string): [KeyObject, KeyObject] {
  if (format === 'pem') return [createPrivateKey(privateText), createPublicKey(publicText)]
  const jwk = (text: string): { key: JsonWebKey; format: 'jwk' } => ({ key: JSON.parse(text) as JsonWebKey, format })
  return [createPrivateKey(jwk(privateText)), createPublicKey(jwk(publicText))]
}

test.each(types.flatMap((type) => (['pem', 'jwk'] as const).map((format) => [type, format] as const)))(
  'a pair of %s as %s signs and verifies',
  async (type, format) => {
    const options = type === 'rsa' ? ({ type, format, modulusLength: 2048 } as const) : { type, format }
    const pair = await generateKeyPair(options)
    const [privateKey, publicKey] = keysIn(format, pair.privateKey, pair.publicKey)
    const algorithm = type === 'ed25519' ? undefined : 'sha256'
    expect(verify(algorithm, Buffer.from('text'), publicKey, sign(algorithm, Buffer.from('text'), privateKey))).toBe(true)
    expect(publicKey.asymmetricKeyType).toBe(type)
    expect(pair.publicKey).not.toMatch(/PRIVATE|"d"/)
  },
)

test('an RSA key has 3072 bits, an EC key the curve P-256, unless told otherwise', async () => {
  const rsa = createPrivateKey(await keyPairGenerator({ type: 'rsa' })())
  expect(rsa.asymmetricKeyDetails?.modulusLength).toBe(3072)
  expect(createPrivateKey(await keyPairGenerator({ type: 'ec' })()).asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
  expect(createPrivateKey(await keyPairGenerator()()).asymmetricKeyType).toBe('ed25519')
})

test.each<[string, KeyPairOptions]>([
  ['`type`', { type: 'dsa' as 'rsa' }],
  ['`modulusLength`', { type: 'rsa', modulusLength: 1024 as 2048 }],
  ['RSA keys alone', { modulusLength: 2048 }],
  ['`format`', { format: 'der' as 'pem' }],
  ['not known', { curve: 'P-384' } as KeyPairOptions],
])('%s: is refused', async (problem, options) => {
  const refused = expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining(problem) })
  expect(() => keyPairGenerator(options)).toThrow(refused)
  await expect(generateKeyPair(options)).rejects.toEqual(refused)
})
