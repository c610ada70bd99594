/** As many as would make a store be skipped, if it were blamed for each. */
export const names: readonly string[] = Array.from({ length: 10 }, (_, n) => `name/${n}`)
export const deadlineMs = 500
export const ttlSeconds = 1
/**
 * Longer than the deadline and the second beyond it from which on a call is taken to have spanned a
 * freeze, and than the TTL.
 */
export const frozenMs = 2000
