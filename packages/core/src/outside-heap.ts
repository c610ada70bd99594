/**
 * The same bytes outside the V8 heap, where the collector leaves no copies behind when it moves objects. Typed arrays,
 * their `from`, and `allocUnsafeSlow` take up to 64 bytes from the heap.
 */
export function copyOutsideHeap(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new ArrayBuffer(bytes.byteLength))
  copy.set(bytes)
  return copy
}
