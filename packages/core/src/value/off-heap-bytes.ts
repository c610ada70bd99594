/**
 * Zeros outside V8's heap, where the collector leaves no copies behind when it moves objects, and outside Node.js's
 * pool. Typed arrays, their `from`, and `allocUnsafeSlow` take up to 64 bytes from the heap.
 */
export function ownMemory(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length))
}

/** The same bytes outside V8's heap. */
export function copyOutsideHeap(bytes: Uint8Array): Uint8Array {
  const copy = ownMemory(bytes.byteLength)
  copy.set(bytes)
  return copy
}

let dropped: FinalizationRegistry<Uint8Array> | undefined

/**
 * A copy for somebody who may keep it, as a provider whose call has ended too late: it is overwritten when nobody has it
 * any more, not when the call ends, or zeros would be stored.
 */
export function lentCopy(bytes: Uint8Array): Uint8Array {
  const copy = copyOutsideHeap(bytes)
  dropped ??= new FinalizationRegistry((lost) => lost.fill(0))
  dropped.register(copy, new Uint8Array(copy.buffer))
  return copy
}
