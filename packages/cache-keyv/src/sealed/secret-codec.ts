import type { StoredSecret } from '@finchat/secrets-core'

/** Hides the length of a value. */
const paddedTo = 256
const lengthsEnd = 8

/** Two lengths, metadata as JSON, the value, zeros. The caller overwrites the buffer. */
export function encodeSecret({ value, ...metadata }: StoredSecret): Buffer {
  const json = Buffer.from(JSON.stringify({ ...metadata, isText: typeof value === 'string' }, withoutInfinity))
  const valueLength = typeof value === 'string' ? Buffer.byteLength(value) : value.length
  const length = lengthsEnd + json.length + valueLength
  const encoded = Buffer.alloc(Math.ceil(length / paddedTo) * paddedTo)
  encoded.writeUInt32BE(json.length, 0)
  encoded.writeUInt32BE(valueLength, 4)
  json.copy(encoded, lengthsEnd)
  if (typeof value === 'string') encoded.write(value, lengthsEnd + json.length)
  else encoded.set(value, lengthsEnd + json.length)
  return encoded
}

/** JSON would turn it into null. */
function withoutInfinity(_: string, field: unknown): unknown {
  return field === Infinity || field === -Infinity ? undefined : field
}

/** The value is a copy. */
export function decodeSecret(encoded: Buffer): StoredSecret {
  const valueAt = lengthsEnd + encoded.readUInt32BE(0)
  // Authenticated, and checked again by core.
  const { isText, ...metadata } = JSON.parse(encoded.toString('utf8', lengthsEnd, valueAt)) as Omit<StoredSecret, 'value'> & {
    readonly isText: boolean
  }
  const bytes = encoded.subarray(valueAt, valueAt + encoded.readUInt32BE(4))
  return { ...metadata, value: isText ? bytes.toString() : Uint8Array.from(bytes) }
}

/** UTF-8 would change text with an unpaired surrogate. */
export function canEncode({ value }: StoredSecret): boolean {
  return typeof value !== 'string' || value.isWellFormed()
}
