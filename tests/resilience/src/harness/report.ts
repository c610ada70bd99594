import type { FaultInjection, Tally } from './fault-injection.ts'

/** So many faults are printed in full; further ones are counted. */
const mostFaults = 20

/** What a test did, for people: its promise, everything that it counted, and what went wrong. */
export function reportOf(
  { name, promise }: Pick<FaultInjection, 'name' | 'promise'>,
  { counts, faults, notRun }: Tally,
  seconds: number,
): string {
  const outcome = faults.length > 0 ? `${faults.length} FAULTS` : counts.size > 0 ? 'held' : 'NOT RUN'
  const rows = [...counts].map(([what, count]) => `${count.toLocaleString('en').padStart(14)}  ${what}`)
  const printed = faults.slice(0, mostFaults).map((fault) => `         FAULT  ${fault}`)
  const more = faults.length > mostFaults ? [`         FAULT  and ${faults.length - mostFaults} more`] : []
  const missing = notRun.map((reason) => `       NOT RUN  ${reason}`)
  return [`${name}: ${outcome} (${seconds.toFixed(0)} s)`, `  ${promise}`, ...rows, ...printed, ...more, ...missing].join('\n')
}
