import { note } from '../terminal/terminal.ts'
import { type CommandContext, type CommonFlags, operator, withSecrets } from './context.ts'

/** Undoes a deletion, if the store can. */
export default async function restore(context: CommandContext, flags: CommonFlags, name: string): Promise<void> {
  const { terminal } = context
  const { provider } = await withSecrets(`${name} was not restored`, context, flags, async (secrets) =>
    secrets.restoreSecret(name, { provider: flags.provider, actor: operator() }),
  )
  if (flags.json) terminal.stdout.write(`${JSON.stringify({ name, provider })}\n`)
  else note(terminal, `${name} is restored at '${provider}'`)
}
