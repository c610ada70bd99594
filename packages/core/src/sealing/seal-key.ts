import type { KeyObject } from 'node:crypto'
import { hmac } from './mac.ts'
import { loadCrypto } from '../kit/builtins.ts'
import { assertSealingKey, type SealingKey } from './seal.ts'

const saltLength = 32
const keyLength = 32
const label = Buffer.from('finchat-secrets/seal-key/1')

/**
 * 64: the bytes of salt and commitment before a text that a derived key seals.
 *
 * @example
 * import { createSecretKey, randomBytes } from 'node:crypto'
 * import { deriveSealKey, sealKeyLength } from '@finchat/secrets-core/sealing'
 *
 * console.log(deriveSealKey(createSecretKey(randomBytes(32))).header.length === sealKeyLength) // true
 */
export const sealKeyLength: number = saltLength + 32

/** A key for one text, or for its few parts. */
export interface SealKey {
  readonly key: KeyObject
  /** Salt and commitment: store it before the sealed text. */
  readonly header: Buffer
}

/**
 * Derives a new key for each text: HMAC-SHA512 under `root` of a random 256-bit salt. Half of the
 * MAC is the key. The other half commits to it, so that no header opens under two roots. `root` can
 * derive 2^80 keys, but seal only 2^32 texts directly. Throws `INVALID_ARGUMENT` as `seal` does.
 *
 * @example
 * import { createSecretKey, randomBytes } from 'node:crypto'
 * import { deriveSealKey, openSealKey, seal, sealKeyLength, unseal } from '@finchat/secrets-core/sealing'
 *
 * const [root, place] = [createSecretKey(randomBytes(32)), Buffer.from('where it lies')]
 * const { key, header } = deriveSealKey(root)
 * const stored = Buffer.concat([header, seal(key, place, Buffer.from('hunter2'))])
 *
 * const opens = openSealKey(root, stored.subarray(0, sealKeyLength))
 * console.log(opens && unseal(opens, place, stored.subarray(sealKeyLength))?.toString()) // hunter2
 * console.log(openSealKey(createSecretKey(randomBytes(32)), header)) // undefined
 */
export function deriveSealKey(root: SealingKey): SealKey {
  assertSealingKey(root)
  const salt = loadCrypto().randomBytes(saltLength)
  const { key, commitment } = derived(root, salt)
  return { key, header: Buffer.concat([salt, commitment]) }
}

/**
 * Returns the key that `deriveSealKey` made of this root and header; `undefined` for any other
 * header. Throws `INVALID_ARGUMENT` as `seal` does.
 */
export function openSealKey(root: SealingKey, header: Uint8Array): KeyObject | undefined {
  assertSealingKey(root)
  if (header.length !== sealKeyLength) return undefined
  const { key, commitment } = derived(root, header.subarray(0, saltLength))
  return loadCrypto().timingSafeEqual(commitment, header.subarray(saltLength)) ? key : undefined
}

function derived(root: SealingKey, salt: Uint8Array): { readonly key: KeyObject; readonly commitment: Buffer } {
  const mac = hmac('sha512', root, [label, salt])
  const key = loadCrypto().createSecretKey(mac.subarray(0, keyLength))
  mac.fill(0, 0, keyLength)
  return { key, commitment: mac.subarray(keyLength) }
}
