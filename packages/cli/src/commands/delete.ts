import { assertConfirmed } from '../terminal/prompts.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { note, operator } from '../terminal/terminal.ts'
import { type CommandContext, type CommonFlags, withSecrets } from './context.ts'

interface DeleteFlags extends CommonFlags {
  readonly purge?: boolean
  readonly yes?: boolean
}

/** Withdraws a secret; `--purge` deletes it for good, once that is confirmed. */
export default async function remove(context: CommandContext, flags: DeleteFlags, name: string): Promise<void> {
  const { terminal } = context
  const { provider, purge = false } = flags
  const receipt = await withSecrets(`${name} was not deleted`, context, flags, async (secrets) => {
    if (purge && !flags.yes) await assertConfirmed(terminal, `Delete ${name} and all its versions for good?`)
    return secrets.deleteSecret(name, { provider, purge, actor: operator() })
  })
  if (flags.json) return void terminal.stdout.write(`${JSON.stringify({ name, ...receipt })}\n`)
  const undo = purge ? 'for good' : `finchat-secrets restore ${shellWord(name)} undoes it`
  note(terminal, `${name} is deleted at '${receipt.provider}': ${undo}`)
}
