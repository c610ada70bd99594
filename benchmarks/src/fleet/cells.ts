import type { MeanAndPeak } from './figures.ts'

/** The mean, and the highest second in brackets; bold where they are above the limit. */
export function cell({ mean, peak }: MeanAndPeak, limit: number): string {
  return `${marked(mean, limit)} (${marked(peak, limit)})`
}

export function marked(calls: number, limit: number): string {
  return calls > limit ? `**${counted(calls)}**` : counted(calls)
}

export function counted(calls: number): string {
  return calls.toLocaleString('en', calls < 10 ? { maximumFractionDigits: 2 } : { maximumFractionDigits: 0 })
}
