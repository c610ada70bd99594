import type { AuditQuery, AuditRecord, AuditRecords } from '@finchat/secrets-audit/report'
import { printTable } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { type CommandContext, explained } from './context.ts'
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
  const { verification } = await explained('the trail could not be read', async () =>
    readTrail(context, folder, flags, async (records) => print(queryRecords(records, queryOf(flags)), flags, terminal)),
  )
  await noteVerification(verification, terminal)
  process.exitCode = exitCodeOfTrail(verification, flags)
}

function queryOf({ name, actor, provider, operation, outcome, from, to }: QueryFlags): AuditQuery {
  return { name, actor, provider, operation, outcome, from, until: to }
}

const headings = ['time', 'operation', 'name', 'outcome', 'code', 'actor', 'provider', 'version']

/** As they are read; a table on a terminal needs all of them first. */
async function print(records: AuditRecords, { json, limit = Infinity }: QueryFlags, terminal: Terminal): Promise<void> {
  const rows: string[][] = []
  let count = 0
  for await (const record of records) {
    if (count++ >= limit) break
    if (json) terminal.stdout.write(`${JSON.stringify(record)}\n`)
    else if (terminal.stdout.isTTY === true) rows.push(rowOf(record))
    else await printTable({ headings, rows: [rowOf(record)] }, terminal)
  }
  if (rows.length > 0) await printTable({ headings, rows }, terminal)
}

function rowOf({ time, operation, name, outcome, phase, code, actor, provider, version }: AuditRecord): string[] {
  return [new Date(time).toISOString(), operation, name, outcome ?? phase, code, actor, provider, version].map((cell) => String(cell ?? ''))
}
