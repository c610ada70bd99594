/** Runs a call, or lets it wait until fewer calls run. */
export type Limiter = <T>(run: () => Promise<T>) => Promise<T>

/**
 * Returns what runs at most `limit` calls at once. The others wait, and start in the order in which
 * they came.
 *
 * @example
 * import { limiter } from '@finchat/secrets-core/provider'
 *
 * const limit = limiter(2)
 * const reads = ['a', 'b', 'c'].map((path) => limit(async () => `read ${path}`))
 * console.log(await Promise.all(reads)) // [ 'read a', 'read b', 'read c' ]
 */
export function limiter(limit: number): Limiter {
  const waiting: (() => void)[] = []
  let running = 0
  return async (run) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await run()
    } finally {
      // Handed on without being free in between: a caller in that moment would be one too many.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
