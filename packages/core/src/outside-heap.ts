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
