import type { ReportedTrail } from '@finchat/secrets-audit/report'
import { type CommandContext, explained } from '../commands/context.ts'
import { counted } from '../terminal/counted.ts'
import { exitCodeOn, readTrails, type TrailFlags, verdictOn } from './trail.ts'

/** Verifies trails, and says in words what is proven. */
export default async function verifyTrail(
  context: CommandContext,
  flags: Omit<TrailFlags, 'unverified' | 'names'>,
  ...folders: readonly string[]
): Promise<void> {
  const { terminal, process } = context
  const { trails, result: extent } = await explained('the trail could not be verified', async () =>
    readTrails(context, folders, flags, extentOf),
  )
  process.exitCode = await exitCodeOn({ trails })
  if (flags.json) return void terminal.stdout.write(`${JSON.stringify(trails.length === 1 ? trails[0]?.verification : { trails })}\n`)
  for (const line of [...(await verdictOn({ trails })), ...inWords(extent, trails)]) terminal.stdout.write(`${line}\n`)
}

interface Extent {
  readonly records: number
  readonly missed: number
  readonly from: number
  readonly to: number
}

async function extentOf(records: AsyncIterable<Seen> | Iterable<Seen>): Promise<Extent> {
  let [count, lost, from, to] = [0, 0, Infinity, -Infinity]
  for await (const { time, missed = 0 } of records) {
    count++
    lost += missed
    from = Math.min(from, time)
    to = Math.max(to, time)
  }
  return { records: count, missed: lost, from, to }
}

interface Seen {
  readonly time: number
  readonly missed?: number | undefined
}

function inWords({ records, missed, from, to }: Extent, trails: readonly ReportedTrail[]): string[] {
  if (records === 0) return []
  const segments = trails.reduce((sum, { verification }) => sum + segmentsOf(verification), 0)
  const times = `from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}`
  const gaps = missed === 0 ? [] : [`Records that the service could not write, by its own count: ${missed}.`]
  return [`${counted(records, 'record')} in ${counted(segments, 'segment')}, ${times}.`, ...gaps]
}

function segmentsOf(verification: ReportedTrail['verification']): number {
  return (verification?.segments?.length ?? 0) + (verification?.segmentsLeftOut ?? 0)
}
