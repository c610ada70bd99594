import { copyOutsideHeap } from './off-heap-bytes.ts'

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
