import { extname, resolve } from 'node:path'
import type { AuditSummary, ReportedTrail, ReportFormat } from '@finchat/secrets-audit/report'
import { exitCodes } from '../terminal/exit-codes.ts'
import { assertFree, writeOutput } from '../files/output-file.ts'
import { type CommandContext, explained } from '../commands/context.ts'
import { exitCodeOn, loadReport, noteVerdict, readTrails, type TrailFlags, withoutRange } from './trail.ts'

interface ReportFlags extends TrailFlags {
  readonly format?: ReportFormat
  readonly output?: string
  readonly force?: boolean
  readonly title?: string
  readonly notRotatedDays?: number
  readonly expect?: readonly string[]
}

/** Writes who read what, who changed what, what failed, what was not rotated, and who is missing. */
export default async function report(context: CommandContext, flags: ReportFlags, ...folders: readonly string[]): Promise<void> {
  const { terminal, process } = context
  const output = flags.output === undefined ? undefined : resolve(terminal.cwd(), flags.output)
  const { subject, summary } = await explained('there is no report', async () => {
    if (output !== undefined) assertFree(output, flags.force ?? false)
    const made = await madeReport(context, flags, folders)
    if (output === undefined) terminal.stdout.write(made.text)
    else await writeOutput(output, made.text, { replace: flags.force ?? false })
    return made
  })
  if (output !== undefined) await noteVerdict(subject, terminal, summary)
  const isAsAsked = flags.unverified === true && subject.expected.length === 0
  process.exitCode = isAsAsked ? exitCodes.ok : await exitCodeOn(subject, summary)
}

interface Made {
  readonly text: string
  readonly subject: { readonly trails: readonly ReportedTrail[]; readonly expected: readonly string[] }
  readonly summary: AuditSummary
}

async function madeReport(context: CommandContext, flags: ReportFlags, folders: readonly string[]): Promise<Made> {
  const { title, from, to: until, notRotatedDays: notRotatedForDays } = flags
  const { queryRecords, summarize, summaryReport } = await loadReport()
  const { trails, result: summary } = await readTrails(context, folders, withoutRange(flags), async (records) =>
    summarize(queryRecords(records, { from, until }), { notRotatedForDays }),
  )
  const subject = { trails, expected: expectedOf(flags) }
  return { text: summaryReport(summary, { format: formatOf(flags), title, range: { from, until }, ...subject }), subject, summary }
}

/** Names may be given again, or apart by commas. */
function expectedOf({ expect = [] }: ReportFlags): readonly string[] {
  return expect.flatMap((names) => names.split(',').map((name) => name.trim())).filter((name) => name !== '')
}

const byExtension: Readonly<Record<string, ReportFormat>> = { '.html': 'html', '.json': 'json', '.csv': 'csv' }

function formatOf({ format, json, output = '' }: ReportFlags): ReportFormat {
  return format ?? (json ? 'json' : (byExtension[extname(output)] ?? 'text'))
}
