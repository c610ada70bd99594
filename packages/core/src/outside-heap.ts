/**
 * Memory outside the V8 heap, where the collector leaves no copies behind when it moves objects.
 * `allocUnsafeSlow`, typed arrays and their `from` take up to 64 bytes from the heap.
 */
export function outsideHeap(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length))
}

/** The same bytes in memory of their own, outside the V8 heap. */
export function copyOutsideHeap(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new ArrayBuffer(bytes.byteLength))
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
