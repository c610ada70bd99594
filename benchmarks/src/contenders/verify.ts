import { createHmac, createSecretKey, hash, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import { createSecretsManager } from '@finchat/secrets-core'
import { repeated } from '../harness/measure.ts'
import type { Contender } from '../harness/scenario.ts'

const stored = 'a-token-of-an-api-with-32-bytes!'

type Verify = (presented: string) => boolean | Promise<boolean>

function verifying(ready: () => Verify): Contender {
  return ({ scale }) => {
    const verify = ready()
    const once = async (): Promise<void> => {
      if (!(await verify(stored))) throw new Error('the secret did not match itself')
    }
    return { round: () => repeated(150 * scale, 'µs', once) }
  }
}

export const verifySecret: Contender = verifying(() => {
  const secrets = createSecretsManager({
    providers: [{ specificationVersion: 'v1', name: 'store', get: async () => ({ value: stored, version: 1 }) }],
  })
  return (presented) => secrets.verifySecret('FINCHAT_TOKEN', presented)
})

const hmac = (key: Buffer | KeyObject, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** How a comparison of two texts in constant time is mostly written. */
export const twoHmacs: Contender = verifying(() => {
  const key = randomBytes(32)
  return (presented) => timingSafeEqual(hmac(key, presented), hmac(key, stored))
})

export const oneHmac: Contender = verifying(() => {
  const key = createSecretKey(randomBytes(32))
  const kept = hmac(key, stored)
  return (presented) => timingSafeEqual(hmac(key, presented), kept)
})

/**
 * Without a key, and so less than is asked for: the least that a comparison of digests can cost.
 */
export const oneHash: Contender = verifying(() => {
  const kept = hash('sha256', stored, 'buffer')
  return (presented) => timingSafeEqual(hash('sha256', presented, 'buffer'), kept)
})
