import type { StoredSecret } from '@finchat/secrets-core'

/** The length of what is sealed tells no more of a value than which multiple of this it has. */
const paddedTo = 256
/** The lengths of the two parts, before them. */
const lengths = 8

/** A secret as bytes of its own, to be overwritten: two lengths, what is known of it as JSON, its value, and zeros. */
export function secretText({ value, ...facts }: StoredSecret): Buffer {
  const known = Buffer.from(JSON.stringify({ ...facts, isText: typeof value === 'string' }, withoutInfinity))
  const valueLength = typeof value === 'string' ? Buffer.byteLength(value) : value.length
  const length = lengths + known.length + valueLength
  const text = Buffer.alloc(Math.ceil(length / paddedTo) * paddedTo)
  text.writeUInt32BE(known.length, 0)
  text.writeUInt32BE(valueLength, 4)
  known.copy(text, lengths)
  if (typeof value === 'string') text.write(value, lengths + known.length)
  else text.set(value, lengths + known.length)
  return text
}

/** JSON has none, and would make null of it: a time that never comes is as good as no time. */
function withoutInfinity(_: string, fact: unknown): unknown {
  return fact === Infinity || fact === -Infinity ? undefined : fact
}

/** The secret in what `secretText` made; its value is a copy. */
export function secretIn(text: Buffer): StoredSecret {
  const valueAt = lengths + text.readUInt32BE(0)
  // Written by `secretText` in a process that has our key; the core checks what it takes from a shared cache.
  const { isText, ...facts } = JSON.parse(text.toString('utf8', lengths, valueAt)) as Omit<StoredSecret, 'value'> & {
    readonly isText: boolean
  }
  const bytes = text.subarray(valueAt, valueAt + text.readUInt32BE(4))
  return { ...facts, value: isText ? bytes.toString() : Uint8Array.from(bytes) }
}

/** Text that is no UTF-8 (a lone half of a surrogate pair) would come back as another; it stays in its process. */
export function canBeShared({ value }: StoredSecret): boolean {
  return typeof value !== 'string' || value.isWellFormed()
}
