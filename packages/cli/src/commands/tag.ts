import { UsageError } from '../terminal/failure.ts'
import { note, operator } from '../terminal/terminal.ts'
import { type CommandContext, type CommonFlags, explained, withSecrets } from './context.ts'
import { tagsOf } from './tags.ts'

interface TagFlags extends CommonFlags {
  readonly remove?: readonly string[]
}

/** Sets and removes tags of a secret, and leaves the others. */
export default async function tag(context: CommandContext, flags: TagFlags, name: string, ...given: string[]): Promise<void> {
  const { terminal } = context
  const what = `the tags of ${name} were not changed`
  const { provider } = await explained(what, async () => {
    const removed = Object.fromEntries((flags.remove ?? []).map((key) => [key, null]))
    const tags = { ...removed, ...tagsOf(given) }
    if (Object.keys(tags).length === 0) throw new UsageError('no tag is given', 'give key=value, or --remove key')
    return withSecrets(what, context, flags, async (secrets) =>
      secrets.tagSecret(name, tags, { provider: flags.provider, actor: operator() }),
    )
  })
  if (flags.json) terminal.stdout.write(`${JSON.stringify({ name, provider })}\n`)
  else note(terminal, `the tags of ${name} are changed at '${provider}'`)
}
