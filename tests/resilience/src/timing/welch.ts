/**
 * Welch's t of two samples: how many standard errors their means lie apart (B. L. Welch, Biometrika
 * 34, 1947).
 */
export function welch(some: readonly number[], others: readonly number[]): number {
  const [one, other] = [momentsOf(some), momentsOf(others)]
  return (one.mean - other.mean) / Math.sqrt(one.variance / some.length + other.variance / others.length)
}

function momentsOf(sample: readonly number[]): { readonly mean: number; readonly variance: number } {
  const mean = sample.reduce((sum, each) => sum + each, 0) / sample.length
  return { mean, variance: sample.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (sample.length - 1) }
}

/**
 * Shares of the fastest measurements that are looked at, as dudect does: what the machine disturbed
 * is slow.
 */
const shares = [0.5, 0.7, 0.9, 0.95, 1]

/**
 * The largest |t| of the two samples, whole or without their slowest measurements (O. Reparaz et
 * al., "Dude, is my code constant time?", 2017).
 */
export function largestT(some: readonly number[], others: readonly number[]): number {
  const sorted = [...some, ...others].toSorted((a, b) => a - b)
  const ts = shares.flatMap((share) => {
    const limit = sorted[Math.ceil(sorted.length * share) - 1] ?? Infinity
    const [fast, otherFast] = [some, others].map((sample) => sample.filter((each) => each <= limit)) as [number[], number[]] // two in, two out
    return Math.min(fast.length, otherFast.length) < 2 ? [] : welch(fast, otherFast)
  })
  return Math.max(...ts.map(Math.abs))
}
