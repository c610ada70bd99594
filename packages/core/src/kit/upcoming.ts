/**
 * Returns whether a time in epoch milliseconds is still to come, by at most `longestMs`. A later
 * one was noted before the clock was set back, and must not prolong a delay.
 *
 * @example
 * import { isUpcoming } from '@finchat/secrets-core/provider'
 *
 * const until = Date.now() + 30_000
 * console.log(isUpcoming(until, 60_000), isUpcoming(until, 10_000)) // true false
 */
export function isUpcoming(time: number, longestMs: number): boolean {
  const leftMs = time - Date.now()
  return leftMs > 0 && leftMs <= longestMs
}
