import { createHash } from 'node:crypto'

/* HMAC and HKDF written from their RFCs on SHA-256 alone, to compare ours with. */
const blockLength = 64

function sha256(...parts: Uint8Array[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}

/** RFC 2104: H(K XOR opad, H(K XOR ipad, text)). */
export function referenceHmac(key: Uint8Array, text: Uint8Array): Buffer {
  const padded = Buffer.alloc(blockLength)
  padded.set(key.length > blockLength ? sha256(key) : key)
  return sha256(
    padded.map((byte) => byte ^ 0x5c),
    sha256(
      padded.map((byte) => byte ^ 0x36),
      text,
    ),
  )
}

/** RFC 5869: extract, then expand. A missing salt is zeros. */
export function referenceHkdf(keyMaterial: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Buffer {
  const extracted = referenceHmac(salt, keyMaterial)
  const blocks: Buffer[] = []
  for (let n = 1; blocks.length * 32 < length; n++) {
    blocks.push(referenceHmac(extracted, Buffer.concat([blocks.at(-1) ?? Buffer.alloc(0), info, Buffer.of(n)])))
  }
  return Buffer.concat(blocks).subarray(0, length)
}
