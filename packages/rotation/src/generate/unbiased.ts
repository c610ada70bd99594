import { loadCrypto } from '@finchat/secrets-core/provider'

/**
 * Returns one index below `size` for each byte that can give one without bias. Bytes from the last
 * whole multiple of `size` on are left out, since they would favour low indexes.
 */
export function unbiasedIndexes(bytes: Uint8Array, size: number): number[] {
  const end = 256 - (256 % size)
  return Array.from(bytes)
    .filter((byte) => byte < end)
    .map((byte) => byte % size)
}

/** Returns a random text of `length` characters, each of `alphabet` equally likely. */
export function randomText(alphabet: string, length: number): string {
  const indexes: number[] = []
  while (indexes.length < length) indexes.push(...unbiasedIndexes(loadCrypto().randomBytes(length), alphabet.length))
  return indexes
    .slice(0, length)
    .map((index) => alphabet[index])
    .join('')
}
