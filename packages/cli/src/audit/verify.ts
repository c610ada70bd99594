import type { AuditVerification } from '@finchat/secrets-audit'
import { type CommandContext, explained } from '../commands/context.ts'
import { counted } from '../terminal/counted.ts'
import { exitCodeOfTrail, readTrail, sentencesOf, type TrailFlags } from './trail.ts'

/** Verifies a trail, and says in words what is proven. */
export default async function verifyTrail(context: CommandContext, flags: Omit<TrailFlags, 'unverified'>, folder: string): Promise<void> {
  const { terminal, process } = context
  const { verification } = await explained('the trail could not be verified', async () =>
    readTrail(context, folder, flags, async (records) => {
      for await (const _ of records);
    }),
  )
  if (verification === undefined) return
  process.exitCode = await exitCodeOfTrail(verification)
  if (flags.json) return void terminal.stdout.write(`${JSON.stringify(verification)}\n`)
  for (const line of [...(await sentencesOf(verification)), ...extent(verification)]) terminal.stdout.write(`${line}\n`)
}

function extent({ records, segments, from, to, missed }: AuditVerification): string[] {
  if (from === undefined || to === undefined) return []
  const times = `from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}`
  const gaps = missed === 0 ? [] : [`Records that the service could not write, by its own count: ${missed}.`]
  return [`${counted(records, 'record')} in ${counted(segments.length, 'segment')}, ${times}.`, ...gaps]
}
