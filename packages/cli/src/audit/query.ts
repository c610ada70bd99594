import type { AuditQuery, AuditRecord, AuditRecords } from '@finchat/secrets-audit/report'
import { UsageError } from '../terminal/failure.ts'
import { printTable } from '../terminal/table.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import { type CommandContext, explained } from '../commands/context.ts'
import { exitCodes } from '../terminal/exit-codes.ts'
import { SeenValues } from './seen-values.ts'
import { exitCodeOn, loadReport, noteVerdict, readTrails, type TrailFlags, withoutRange } from './trail.ts'

interface QueryFlags extends TrailFlags {
  readonly name?: string
  readonly actor?: string
  readonly provider?: string
  readonly operation?: string
  readonly outcome?: 'ok' | 'error'
  readonly limit?: number
  readonly csv?: boolean
}

/** Prints the records that match; all of each trail is verified in the same pass, also with a time range. */
export default async function query(context: CommandContext, flags: QueryFlags, ...folders: readonly string[]): Promise<void> {
  const { terminal, process } = context
  const seen = new SeenValues()
  const {
    trails,
    names,
    result: kept,
  } = await explained('the trail could not be read', async () => {
    if (flags.csv && flags.json) throw new UsageError('CSV and JSON are both asked for', 'leave out --csv or --json')
    const { csvLines, queryRecords } = await loadReport()
    return readTrails(context, folders, withoutRange(flags), async (records) => {
      const found = limited(seen.matching(queryRecords(seen.passing(records), queryOf(flags))), flags)
      return flags.csv ? written(csvLines(found), terminal) : printed(found, flags, terminal)
    })
  })
  await print(kept, flags, terminal)
  await noteVerdict({ trails, names }, terminal)
  if (flags.limit === undefined) for (const sentence of seen.sentences(flags)) note(terminal, sentence)
  process.exitCode = flags.unverified ? exitCodes.ok : await exitCodeOn({ trails, names })
}

function queryOf({ name, actor, provider, operation, outcome, from, to }: QueryFlags): AuditQuery {
  return { name, actor, provider, operation, outcome, from, until: to }
}

const headings = ['time', 'operation', 'name', 'outcome', 'code', 'actor', 'provider', 'version', 'host']

/** The rest of a trail is verified all the same. */
async function* limited(records: AuditRecords, { limit = Infinity }: QueryFlags): AsyncGenerator<AuditRecord> {
  let count = 0
  for await (const record of records) {
    yield record
    if (++count >= limit) return
  }
}

async function written(lines: AsyncIterable<string>, { stdout }: Terminal): Promise<readonly AuditRecord[]> {
  for await (const line of lines) stdout.write(line)
  return []
}

/** Prints records as they are read. Returns them for a terminal, where progress is shown meanwhile. */
async function printed(records: AuditRecords, flags: QueryFlags, terminal: Terminal): Promise<readonly AuditRecord[]> {
  const kept: AuditRecord[] = []
  for await (const record of records) {
    if (terminal.stdout.isTTY === true) kept.push(record)
    else await print([record], flags, terminal)
  }
  return kept
}

async function print(records: readonly AuditRecord[], { json }: QueryFlags, terminal: Terminal): Promise<void> {
  if (json) for (const record of records) terminal.stdout.write(`${JSON.stringify(record)}\n`)
  else await printTable({ headings, rows: records.map(rowOf) }, terminal)
}

function rowOf({ time, operation, name, outcome, phase, code, actor, provider, version, host }: AuditRecord): string[] {
  return [isoTime(time), operation, name, outcome ?? phase, code, actor, provider, version, host].map((cell) => String(cell ?? ''))
}

/** A trail that is not verified may have any number. */
function isoTime(time: number): string | undefined {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
