/** A repeatable source of chance: the same seed makes the same choices. */
export interface Random {
  /** An integer from 0 to below `bound`. */
  readonly below: (bound: number) => number
  readonly pick: <T>(items: readonly [T, ...T[]]) => T
  readonly chance: (probability: number) => boolean
}

/** mulberry32: small and even enough to choose what to do next, and nothing else. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (bound: number): number => Math.floor(next() * bound)
  return { below, pick: (items) => items[below(items.length)] ?? items[0], chance: (probability) => next() < probability }
}

export function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 32)
}
