import { bounded } from '@finchat/secrets-core/provider'

/** A store that is up answers a cheap call within this time. */
export const probeMs = 6_000

/** Ends a probe that hangs, with `DEADLINE_EXCEEDED`. */
export function withinLimit<T>(probe: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return bounded(probe, { deadlineMs: probeMs, closing: new AbortController().signal, owner: 'the doctor' })
}
