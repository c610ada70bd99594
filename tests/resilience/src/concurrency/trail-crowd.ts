import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { verifyAuditTrail } from '@finchat/secrets-audit'
import { ended, start } from '../harness/child.ts'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { inScratch } from '../harness/scratch.ts'
import { newTrailFolder } from '../workload/trail-folder.ts'

export interface CrowdOrders {
  readonly folder: string
  /** How long each process reads, and how long it waits between two reads, on average. */
  readonly readMs: number
  readonly pauseMs: number
  /**
   * How fast their clock runs, so that they see all of the minutes in which they begin the segments
   * of the new day.
   */
  readonly clockSpeed: number
}

export interface CrowdReport {
  readonly reads: number
  readonly failures: readonly string[]
  readonly slowestMs: number
}

const processes: Readonly<Record<Scale, number>> = { short: 24, long: 200 }
const timing: Readonly<Record<Scale, Omit<CrowdOrders, 'folder'>>> = {
  short: { readMs: 8_000, pauseMs: 50, clockSpeed: 100 },
  long: { readMs: 40_000, pauseMs: 200, clockSpeed: 20 },
}

export const trailCrowd: FaultInjection = {
  name: 'a crowd on one audit trail',
  promise: 'processes of one host that start at once, and read through midnight, lose no read, with every option at its default',
  run: (scale) => inScratch((folder) => run(join(folder, 'audit'), scale)),
}

async function run(parent: string, scale: Scale): Promise<Tally> {
  const tally = new Tally()
  const made = await newTrailFolder(parent)
  const orders: CrowdOrders = { folder: made.folder, ...timing[scale] }
  const crowd = Array.from({ length: processes[scale] }, () => new CrowdProcess(orders))
  for (const one of crowd) await one.answer()
  const midnight = Date.now() + orders.readMs / 2
  for (const one of crowd) one.tell(midnight)
  const reports = await Promise.all(crowd.map((one) => one.answer() as Promise<CrowdReport | undefined>)) // as our own program says it
  for (const report of reports) note(report, tally)
  tally.count('slowest read, ms', Math.round(Math.max(...reports.map((report) => report?.slowestMs ?? 0))))
  for (const one of crowd) one.tell('end')
  for (const one of crowd) if ((await one.end()) !== 0) tally.count('processes that left the end of their segment to others')
  const { ok, problem, records, segments, unproven } = await verifyAuditTrail(made.folder, { key: made.key })
  if (!ok) tally.fault(`verification: ${problem?.file}:${problem?.line} ${problem?.what}: ${problem?.explanation}`)
  if (unproven.length > 0) tally.fault(`the ends of ${unproven.length} segments are unproven`)
  tally.count('records verified', records)
  tally.count('segments', segments.length)
  return tally
}

function note(report: CrowdReport | undefined, tally: Tally): void {
  tally.count('processes')
  if (report === undefined) return tally.fault('a process ended before its time')
  tally.count('reads', report.reads)
  for (const failure of report.failures) tally.fault(failure)
}

class CrowdProcess {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(orders: CrowdOrders) {
    this.#child = start(join(import.meta.dirname, 'trail-crowd-process.ts'), orders)
    if (this.#child.stdout === null) throw new Error('the process has no output')
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]()
  }

  async answer(): Promise<unknown> {
    const { value } = await this.#lines.next()
    return value === undefined ? undefined : JSON.parse(value)
  }

  tell(what: unknown): void {
    this.#child.stdin?.write(`${String(what)}\n`)
  }

  async end(): Promise<number | null> {
    return ended(this.#child)
  }
}
