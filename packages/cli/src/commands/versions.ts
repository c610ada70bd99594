import { doubtOf } from '../declared/fallbacks.ts'
import { printTable } from '../terminal/table.ts'
import { note, operator } from '../terminal/terminal.ts'
import { type CommandContext, type CommonFlags, withReadable } from './context.ts'

/** Lists the versions of a secret, without values. */
export default async function versions(context: CommandContext, flags: CommonFlags, name: string): Promise<void> {
  const { terminal } = context
  const described = await withReadable(`the versions of ${name} could not be read`, context, flags, async (secrets) =>
    secrets.describeSecret(name, { actor: operator() }),
  )
  const { provider, version: current, revision, versions: known = [described], degraded = false } = described
  const doubt = doubtOf(name, { provider, degraded, stale: false }, new Map())
  if (doubt !== undefined) note(terminal, `warning: ${doubt}`)
  const found = known.map((each) => ({
    version: each.version,
    revision: each.revision,
    current: each.version === current && each.revision === revision,
    since: each.currentSince === undefined ? undefined : new Date(each.currentSince).toISOString(),
  }))
  if (flags.json) return void terminal.stdout.write(`${JSON.stringify({ name, provider, degraded, versions: found })}\n`)
  const rows = found.map((each) => [String(each.version ?? each.revision ?? ''), each.current ? 'current' : '', each.since ?? '', provider])
  await printTable({ headings: ['version', 'state', 'current since', 'provider'], rows }, terminal)
}
