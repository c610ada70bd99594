import type { AuditQuery, AuditRecord, AuditRecords } from '@finchat/secrets-audit/report'
import { printTable } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { type CommandContext, explained } from '../commands/context.ts'
import { exitCodeOfTrail, loadReport, noteVerification, readTrail, type TrailFlags } from './trail.ts'

interface QueryFlags extends TrailFlags {
  readonly name?: string
  readonly actor?: string
  readonly provider?: string
  readonly operation?: string
  readonly outcome?: 'ok' | 'error'
  readonly limit?: number
}

/** Prints the records that match; the whole trail is verified in the same pass. */
export default async function query(context: CommandContext, flags: QueryFlags, folder: string): Promise<void> {
  const { terminal, process } = context
  const { queryRecords } = await loadReport()
  const { verification, result: rest } = await explained('the trail could not be read', async () =>
    readTrail(context, folder, flags, async (records) => printed(queryRecords(records, queryOf(flags)), flags, terminal)),
  )
  await print(rest, flags, terminal)
  await noteVerification(verification, terminal)
  process.exitCode = await exitCodeOfTrail(verification)
}

function queryOf({ name, actor, provider, operation, outcome, from, to }: QueryFlags): AuditQuery {
  return { name, actor, provider, operation, outcome, from, until: to }
}

const headings = ['time', 'operation', 'name', 'outcome', 'code', 'actor', 'provider', 'version']

/** Prints records as they are read. Returns them for a terminal, where progress is shown meanwhile. */
async function printed(records: AuditRecords, flags: QueryFlags, terminal: Terminal): Promise<readonly AuditRecord[]> {
  const { limit = Infinity } = flags
  const kept: AuditRecord[] = []
  let count = 0
  for await (const record of records) {
    if (count++ >= limit) break
    if (terminal.stdout.isTTY === true) kept.push(record)
    else await print([record], flags, terminal)
  }
  return kept
}

async function print(records: readonly AuditRecord[], { json }: QueryFlags, terminal: Terminal): Promise<void> {
  if (json) for (const record of records) terminal.stdout.write(`${JSON.stringify(record)}\n`)
  else await printTable({ headings, rows: records.map(rowOf) }, terminal)
}

function rowOf({ time, operation, name, outcome, phase, code, actor, provider, version }: AuditRecord): string[] {
  return [new Date(time).toISOString(), operation, name, outcome ?? phase, code, actor, provider, version].map((cell) => String(cell ?? ''))
}
