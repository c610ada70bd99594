/** Runs `run` and ignores any failure, also a later rejection. */
export function attempt(run: () => unknown): unknown {
  try {
    const result = run()
    if (result instanceof Promise) result.catch(() => {})
    return result
  } catch {
    return undefined
  }
}
