import type { FaultInjection, Tally } from './fault-injection.ts'

/** A fault is told in full so often; what comes after is counted. */
const mostFaults = 20

/** What a test did, for people: its promise, everything that it counted, and what went wrong. */
export function reportOf(
  { name, promise }: Pick<FaultInjection, 'name' | 'promise'>,
  { counts, faults, notRun }: Tally,
  seconds: number,
): string {
  const verdict = faults.length > 0 ? `${faults.length} FAULTS` : counts.size > 0 ? 'held' : 'NOT RUN'
  const rows = [...counts].map(([what, count]) => `${count.toLocaleString('en').padStart(14)}  ${what}`)
  const told = faults.slice(0, mostFaults).map((fault) => `         FAULT  ${fault}`)
  const more = faults.length > mostFaults ? [`         FAULT  and ${faults.length - mostFaults} more`] : []
  const missing = notRun.map((reason) => `       NOT RUN  ${reason}`)
  return [`${name}: ${verdict} (${seconds.toFixed(0)} s)`, `  ${promise}`, ...rows, ...told, ...more, ...missing].join('\n')
}
