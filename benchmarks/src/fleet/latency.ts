/** How many milliseconds the next call takes. */
export type Latency = () => number

export function noJitter(ms: number): Latency {
  return () => ms
}

/** Any time between the two, each as likely as another. */
function jitter(leastMs: number, mostMs: number): Latency {
  return () => leastMs + Math.random() * (mostMs - leastMs)
}

/** `sharedCache`: one way to its server or back. `store`: a whole call. */
export const latencies: { readonly sharedCache: Latency; readonly store: Latency } = { sharedCache: jitter(1, 5), store: jitter(10, 50) }
