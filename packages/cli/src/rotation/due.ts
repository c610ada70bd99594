import type { DueReport } from '@finchat/secrets-rotation'
import type { SecretsManager } from '@finchat/secrets-core'
import { exitCodeOfError, exitCodes } from '../terminal/exit-codes.ts'
import { UsageError } from '../terminal/failure.ts'
import { printTable } from '../terminal/table.ts'
import { inCommands } from '../terminal/in-commands.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import type { DuePolicies } from './policy.ts'
import type { RotationKit } from './project.ts'
import type { RotationCall } from './rotation-call.ts'
import { timeOf } from './words.ts'

type Reports = Readonly<Record<string, DueReport>>

/** A policy that cannot be used fails for its secret, and the others go on. */
export async function rotateAllDue(
  kit: RotationKit,
  secrets: SecretsManager,
  { policies, refused }: DuePolicies,
  { actor, onState }: RotationCall,
): Promise<Reports> {
  const failed = Object.entries(refused).map(([name, error]): [string, DueReport] => [name, { status: 'failed', isOverdue: false, error }])
  if (failed.length + Object.keys(policies).length > 0)
    return { ...(await kit.rotateDue(secrets, policies, { actor, onState })), ...Object.fromEntries(failed) }
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
    error: error && { code: error.code, reason: inCommands(error.problem), remedy: error.remedy && inCommands(error.remedy) },
  }))
  if (asJson) return void terminal.stdout.write(`${JSON.stringify(shown)}\n`)
  const rows = shown.map(({ name, status, isOverdue, dueAt = '', retirement = '', error }) => [
    name,
    isOverdue ? `${status}, overdue` : status,
    dueAt,
    error === undefined ? (formerWords[retirement] ?? '') : `${error.reason} (${error.code})`,
  ])
  await printTable({ headings: ['name', 'state', 'next due', 'reason'], rows }, terminal)
  for (const { name, error } of shown) if (error?.remedy) note(terminal, `${name}: ${error.remedy}`)
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
