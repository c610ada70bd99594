/** How many milliseconds the next call takes. */
export type Latency = () => number

export function noJitter(ms: number): Latency {
  return () => ms
}

/** Any time between the two, each as likely as another. */
function jitter(leastMs: number, mostMs: number): Latency {
  return () => leastMs + Math.random() * (mostMs - leastMs)
}

/** Of one way to the shared cache or back, and of a call to the store, in all that is simulated. */
export const latencies: { readonly level: Latency; readonly store: Latency } = { level: jitter(1, 5), store: jitter(10, 50) }
