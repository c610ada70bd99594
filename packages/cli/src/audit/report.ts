import { extname, resolve } from 'node:path'
import type { ReportFormat } from '@finchat/secrets-audit/report'
import { assertFree, writeOutput } from '../files/output-file.ts'
import { type CommandContext, explained } from '../commands/context.ts'
import { exitCodeOfTrail, loadReport, noteVerification, readTrail, type TrailFlags } from './trail.ts'

interface ReportFlags extends TrailFlags {
  readonly format?: ReportFormat
  readonly output?: string
  readonly force?: boolean
  readonly title?: string
  readonly notRotatedDays?: number
}

/** Writes who read what, what failed, and what was not rotated. */
export default async function report(context: CommandContext, flags: ReportFlags, folder: string): Promise<void> {
  const { terminal, process } = context
  const { force = false, title, notRotatedDays: notRotatedForDays } = flags
  const output = flags.output === undefined ? undefined : resolve(terminal.cwd(), flags.output)
  const verification = await explained('there is no report', async () => {
    if (output !== undefined) assertFree(output, force)
    const { queryRecords, summarize, summaryReport } = await loadReport()
    const trail = await readTrail(context, folder, flags, async (records) =>
      summarize(queryRecords(records, { from: flags.from, until: flags.to }), { notRotatedForDays }),
    )
    const text = summaryReport(trail.result, { format: formatOf(flags), title, verification: trail.verification })
    if (output === undefined) terminal.stdout.write(text)
    else await writeOutput(output, text, { replace: force })
    return trail.verification
  })
  if (output !== undefined) await noteVerification(verification, terminal)
  process.exitCode = await exitCodeOfTrail(verification)
}

const byExtension: Readonly<Record<string, ReportFormat>> = { '.html': 'html', '.json': 'json' }

function formatOf({ format, json, output = '' }: ReportFlags): ReportFormat {
  return format ?? (json ? 'json' : (byExtension[extname(output)] ?? 'text'))
}
