import { ownMemory } from '../value/off-heap-bytes.ts'
import { loadCrypto } from '../kit/builtins.ts'
import { assertSealable, type SealingKey } from './seal.ts'

/** Block and digest, bytes. */
const lengths = { sha256: [64, 32], sha512: [128, 64] } as const
type HashName = keyof typeof lengths

const [innerPad, outerPad] = [0x36, 0x5c]
/** Longer texts get fresh memory: its allocation takes as long as the hash. */
const usualLength = 4_096
let usual: Uint8Array | undefined

/**
 * HMAC-SHA256 (RFC 2104) over the concatenated texts. Use `lengthPrefixed` where different lists
 * could concatenate alike. Returns memory of its own, so that a derived key can be overwritten.
 * Throws `INVALID_ARGUMENT` as `seal` does.
 *
 * @example
 * import { randomBytes } from 'node:crypto'
 * import { lengthPrefixed, mac } from '@finchat/secrets-core/sealing'
 *
 * console.log(mac(randomBytes(32), lengthPrefixed(['my-store', 1, 'database'])).length) // 32
 */
export function mac(key: SealingKey, ...texts: readonly Uint8Array[]): Buffer {
  assertSealable(key, ...texts)
  return hmac('sha256', key, texts)
}

/**
 * HMAC (RFC 2104) with a key no longer than a block. For bytes it takes two one-shot hashes:
 * `createHmac` takes twice as long with bytes as with a `KeyObject`. Copies of the key are
 * overwritten.
 */
export function hmac(name: HashName, key: SealingKey, texts: readonly Uint8Array[]): Buffer {
  if (!(key instanceof Uint8Array)) {
    const made = loadCrypto().createHmac(name, key)
    for (const text of texts) made.update(text)
    return made.digest()
  }
  const [block, digestLength] = lengths[name]
  let end: number = block
  for (const text of texts) end += text.length
  const memory = end <= usualLength ? (usual ??= ownMemory(usualLength)) : ownMemory(end)
  end = block
  for (const text of texts) {
    memory.set(text, end)
    end += text.length
  }
  const inner = hashed(name, key, innerPad, memory.subarray(0, end))
  memory.set(inner, block)
  inner.fill(0)
  const outer = hashed(name, key, outerPad, memory.subarray(0, block + digestLength))
  memory.fill(0, 0, Math.max(end, block + digestLength))
  return outer
}

/** The key comes first, padded to a block. */
function hashed(name: HashName, key: Uint8Array, pad: number, memory: Uint8Array): Buffer {
  for (let at = 0; at < key.length; at += 1) memory[at] = (key[at] ?? 0) ^ pad
  memory.fill(pad, key.length, lengths[name][0])
  return loadCrypto().hash(name, memory, 'buffer')
}
