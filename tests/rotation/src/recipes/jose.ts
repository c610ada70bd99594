import type { SecretsManager } from '@finchat/secrets-core'
import { liveSecret } from '@finchat/secrets-core/live'
import { jwksOf, signingKeyOf } from '@finchat/secrets-rotation/signing-keys'
import { createLocalJWKSet, type JWTPayload, jwtVerify, SignJWT } from 'jose'

/** Signs with the current key, and verifies by `kid` with every key of the ring. */
export async function rotatingJwt(secrets: SecretsManager, name: string): Promise<RotatingJwt> {
  const ring = liveSecret(secrets, name)
  await ring.ready
  const sign = (payload: JWTPayload): Promise<string> => {
    const { kid, alg, key } = signingKeyOf(ring.current)
    return new SignJWT(payload).setProtectedHeader({ alg, kid }).setExpirationTime('5m').sign(key)
  }
  const verify = async (token: string): Promise<JWTPayload> => (await jwtVerify(token, createLocalJWKSet(jwksOf(ring.current)))).payload
  return { sign, verify }
}

export interface RotatingJwt {
  readonly sign: (payload: JWTPayload) => Promise<string>
  readonly verify: (token: string) => Promise<JWTPayload>
}
