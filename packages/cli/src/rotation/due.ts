import type { DueReport, RotationPolicy } from '@finchat/secrets-rotation'
import type { SecretsManager } from '@finchat/secrets-core'
import { exitCodeOfError, exitCodes } from '../terminal/exit-codes.ts'
import { UsageError } from '../terminal/failure.ts'
import { printTable } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import type { RotationKit } from './project.ts'
import type { RotationCall } from './rotation-call.ts'
import { timeOf } from './words.ts'

type Reports = Readonly<Record<string, DueReport>>

export async function rotateAllDue(
  kit: RotationKit,
  secrets: SecretsManager,
  policies: Readonly<Record<string, RotationPolicy>>,
  { actor, onState }: RotationCall,
): Promise<Reports> {
  if (Object.keys(policies).length > 0) return kit.rotateDue(secrets, policies, { actor, onState })
  throw new UsageError('the configuration says of no secret when it is due', 'set "every" under "rotation" in the configuration file')
}

export async function printDue(reports: Reports, asJson: boolean, terminal: Terminal): Promise<void> {
  const shown = Object.entries(reports).map(([name, { status, isOverdue, dueAt, rotation, retirement, error }]) => ({
    name,
    status,
    isOverdue,
    dueAt: timeOf(dueAt),
    version: rotation?.version,
    retirement: retirement?.outcome,
    error: error && { code: error.code, reason: error.problem },
  }))
  if (asJson) return void terminal.stdout.write(`${JSON.stringify(shown)}\n`)
  const rows = shown.map(({ name, status, isOverdue, dueAt = '', retirement = '', error }) => [
    name,
    isOverdue ? `${status}, overdue` : status,
    dueAt,
    error === undefined ? (formerWords[retirement] ?? '') : `${error.reason} (${error.code})`,
  ])
  await printTable({ headings: ['name', 'state', 'next due', 'reason'], rows }, terminal)
}

const formerWords: Readonly<Record<string, string>> = {
  retired: 'the former value is withdrawn',
  notSafe: 'the former value is still used',
  unproven: 'the target refuses the current value',
}

/** Of the first that failed. */
export function exitCodeOfDue(reports: Reports): number {
  const failed = Object.values(reports).find(({ error }) => error !== undefined)
  return failed?.error === undefined ? exitCodes.ok : exitCodeOfError(failed.error)
}
