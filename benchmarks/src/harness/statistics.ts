export interface Statistics {
  readonly median: number
  readonly least: number
  readonly most: number
}

export function statisticsOf(values: readonly number[]): Statistics {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = (at(sorted, Math.floor(middle)) + at(sorted, Math.ceil(middle))) / 2
  return { median, least: at(sorted, 0), most: at(sorted, sorted.length - 1) }
}

/**
 * The median of the rounds' own ratios: both were measured within moments of each other, so that
 * what slowed a round down slowed down both. 0 to 0 is 1.
 */
export function pairedRatio(values: readonly number[], others: readonly number[]): number {
  return statisticsOf(values.map((value, round) => (value === at(others, round) ? 1 : value / at(others, round)))).median
}

export function pairedDifference(values: readonly number[], others: readonly number[]): number {
  return statisticsOf(values.map((value, round) => value - at(others, round))).median
}

function at(values: readonly number[], index: number): number {
  const value = values[index]
  if (value === undefined) throw new Error('a round is missing')
  return value
}
