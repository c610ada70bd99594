/**
 * Returns zeroed memory outside V8's heap and Node.js's pool. V8's collector leaves copies behind,
 * and typed arrays and `allocUnsafeSlow` put up to 64 bytes on the heap.
 *
 * @example
 * import { ownMemory } from '@finchat/secrets-core/provider'
 *
 * const key = ownMemory(32)
 * console.log(key.length, key.buffer.byteLength) // 32 32
 */
export function ownMemory(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length))
}

/**
 * Returns a copy in memory of its own, text as UTF-8. Overwrite it after use.
 *
 * @example
 * import { copyOutsideHeap } from '@finchat/secrets-core/provider'
 *
 * const copy = copyOutsideHeap('hunter2')
 * console.log(copy.length) // 7
 * copy.fill(0)
 */
export function copyOutsideHeap(value: string | Uint8Array): Uint8Array {
  const copy = new ArrayBuffer(Buffer.byteLength(value))
  if (typeof value === 'string') Buffer.from(copy).write(value)
  else new Uint8Array(copy).set(value)
  return new Uint8Array(copy)
}

let dropped: FinalizationRegistry<Uint8Array> | undefined

/**
 * Overwritten only when collected: a provider's call that ends late could otherwise store zeros.
 */
export function lentCopy(bytes: Uint8Array): Uint8Array {
  const copy = copyOutsideHeap(bytes)
  dropped ??= new FinalizationRegistry((lost) => lost.fill(0))
  dropped.register(copy, new Uint8Array(copy.buffer))
  return copy
}
