/** Resolves after the time, or at once when the signal is aborted or what it adds to `pausing` is called. */
export function pause(ms: number, signal?: AbortSignal, pausing: Set<() => void> = new Set()): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const onAbort = (): void => resolve()
  pausing.add(onAbort)
  signal?.addEventListener('abort', onAbort)
  return promise.finally(() => {
    clearTimeout(timer)
    pausing.delete(onAbort)
    signal?.removeEventListener('abort', onAbort)
  })
}

/** A random part of the time, at least half of it: those who wait for the same do not come back together. */
export function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2)
}
