import { rotate, tokenGenerator } from '@finchat/secrets-rotation'
import { jwksOf, newKeyRing, signingKeys } from '@finchat/secrets-rotation/signing-keys'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { name, rotatedStore } from '../testing/rotated-store.ts'
import { rotatingJwt } from './jose.ts'

const options = { target: signingKeys(), generate: tokenGenerator(), graceSeconds: 0 }

test('tokens are verified by `kid` before, during and after a rotation of the signing keys', async () => {
  const { service } = await rotatedStore(await newKeyRing('ES256'))
  const { sign, verify } = await rotatingJwt(service, name)
  const former = await sign({ sub: 'former' })
  await rotate(service, name, options)
  await expect.poll(async () => decodeProtectedHeader(await sign({})).kid).not.toBe(decodeProtectedHeader(former).kid)
  const current = await sign({ sub: 'current' })
  expect([await verify(former), await verify(current)]).toMatchObject([{ sub: 'former' }, { sub: 'current' }])
})

test('a token of a process that was told of the rotation first is verified by one that was not', async () => {
  const { service, rotator } = await rotatedStore(await newKeyRing('ES256'))
  const { verify } = await rotatingJwt(service, name)
  await rotate(rotator, 'rotated', options)
  const { sign } = await rotatingJwt(rotator, 'rotated')
  expect(await verify(await sign({ sub: 'early' }))).toMatchObject({ sub: 'early' })
})

test('a key set that was read once lacks the key after two rotations', async () => {
  const { service } = await rotatedStore(await newKeyRing('ES256'))
  const keys = createLocalJWKSet(jwksOf(await service.getSecretValue(name)))
  const { sign } = await rotatingJwt(service, name)
  const first = decodeProtectedHeader(await sign({})).kid
  await rotate(service, name, options)
  await expect.poll(async () => decodeProtectedHeader(await sign({})).kid).not.toBe(first)
  const second = decodeProtectedHeader(await sign({})).kid
  await rotate(service, name, options)
  await expect.poll(async () => decodeProtectedHeader(await sign({})).kid).not.toBe(second)
  await expect(jwtVerify(await sign({}), keys)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
})
