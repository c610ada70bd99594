/**
 * Returns zeros in memory of their own: outside V8's heap, where the collector leaves copies behind
 * when it moves objects, and outside Node.js's pool. Typed arrays, their `from`, and
 * `allocUnsafeSlow` take up to 64 bytes from the heap.
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
 * Returns a copy in memory of its own, text as UTF-8, for whoever gives it out to overwrite.
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
 * A copy for a provider: overwritten when it is collected, since zeros could be stored by a call
 * that ends late.
 */
export function lentCopy(bytes: Uint8Array): Uint8Array {
  const copy = copyOutsideHeap(bytes)
  dropped ??= new FinalizationRegistry((lost) => lost.fill(0))
  dropped.register(copy, new Uint8Array(copy.buffer))
  return copy
}
