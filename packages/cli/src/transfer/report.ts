import { asCalled } from '../terminal/in-commands.ts'
import { exitCodes, gravest } from '../terminal/exit-codes.ts'
import { printTable } from '../terminal/table.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import { visible } from '../terminal/visible.ts'
import { type Row, states } from './item.ts'

export interface Report {
  readonly from: string
  readonly to: string
  readonly isApplied: boolean
  readonly isInterrupted: boolean
  readonly rows: readonly Row[]
  readonly left: readonly string[]
  readonly isAll: boolean
  readonly next: readonly string[]
}

/** Prints what is to be done, or was done. It never has a value, its length or its hash. */
export async function printReport(report: Report, asJson: boolean, terminal: Terminal): Promise<void> {
  const { from, to, isApplied, isInterrupted, rows, left, next } = report
  if (asJson) {
    const secrets = rows.map(({ name, path, field, state, reason, code }) => ({ name, path, field, state, reason, code }))
    const text = JSON.stringify({ from, to, applied: isApplied, interrupted: isInterrupted, counts: countsOf(rows), secrets, left, next })
    return void terminal.stdout.write(`${text}\n`)
  }
  const cells = rows.map((row) => [row.name, placeOf(row), row.state, row.reason ?? ''])
  await printTable({ headings: ['name', `path at ${to}`, 'state', 'reason'], rows: cells }, terminal)
  note(terminal, summaryOf(report))
  for (const line of choiceOf(report)) note(terminal, visible(line))
  for (const step of next) note(terminal, `next: ${asCalled(visible(step), terminal.env)}`)
}

/** Why these secrets, and no others. */
function choiceOf({ left, isAll, rows }: Report): string[] {
  if (isAll && rows.length > 0) return ['every name is taken, since the configuration declares none under "secrets"']
  return left.length === 0 ? [] : [`not declared, left: ${left.join(', ')}; move them with --only`]
}

function placeOf({ path = '', field }: Row): string {
  return field === undefined ? path : `${path}#${field}`
}

function countsOf(rows: readonly Row[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    states.map((state) => [state, rows.filter((row) => row.state === state).length] as const).filter(([, count]) => count > 0),
  )
}

function summaryOf({ rows, isInterrupted, from, to }: Report): string {
  if (rows.length === 0 && !isInterrupted) return `${from} has no secret to move`
  const counts = Object.entries(countsOf(rows)).map(([state, count]) => `${count} ${state}`)
  const isWritten = rows.some(({ state }) => state === 'written')
  const unsure = rows.filter(({ effect }) => effect !== undefined).length
  const sure = isWritten ? 'each written value was read back' : 'nothing was written'
  const done = unsure === 0 ? sure : `${unsure} may have been written and could not be verified`
  const end = isInterrupted ? `${done}; interrupted: run it again to go on` : done
  return `${from} to ${to}: ${counts.join(', ')}; ${end}`
}

/** A plan fails for what cannot be mapped; `--apply` also for what was left different. */
export function exitCodeOfReport({ rows, isApplied, isInterrupted }: Report): number {
  if (isInterrupted) return exitCodes.interrupted
  const isLeft = ({ state }: Row): boolean => isApplied && state === 'different'
  return gravest(rows.map((row) => (isLeft(row) ? exitCodes.differs : row.exitCode)))
}
