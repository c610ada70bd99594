/** Runs at most `limit` calls at once; the others wait, and start in the order in which they came. */
export type Limiter = <T>(run: () => Promise<T>) => Promise<T>

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
