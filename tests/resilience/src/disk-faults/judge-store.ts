import type { Tally } from '../harness/fault-injection.ts'
import { type Entry, Ledger } from '../workload/ledger.ts'
import { verifyStore } from '../workload/observe.ts'

interface Expectation {
  readonly where: string
  /** Codes that tell of the system's failure. */
  readonly expected: readonly string[]
  readonly tally: Tally
}

/**
 * Errors are ours and of a code that fits; afterwards, when the system is well again, the store
 * holds what it must.
 */
export async function judge(path: string, entries: readonly Entry[], { where, expected, tally }: Expectation): Promise<void> {
  for (const entry of entries) {
    if (!('ended' in entry)) continue
    const { code, message } = entry.ended
    if (message?.includes('the disk is full') && !message.includes('make room in "'))
      tally.fault(`${where}: does not say where to make room: ${message}`)
    if (code === undefined) tally.count('changes acknowledged')
    else if (expected.includes(code)) tally.count(`errors: ${code}`)
    else if (code !== 'DELETED' && code !== 'NOT_FOUND') tally.fault(`${where}: ${code}: ${message}`)
  }
  const ledger = new Ledger()
  ledger.take(entries)
  await verifyStore(path, 0, ledger)
  tally.count('stores opened afterwards')
  for (const fault of ledger.faults) tally.fault(`${where}: ${fault}`)
}
