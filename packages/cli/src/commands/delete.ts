import { assertConfirmed } from '../terminal/prompts.ts'
import { shellWord } from '../terminal/shell-word.ts'
import type { DeclaredSecret } from '../config/config.ts'
import { UsageError } from '../terminal/failure.ts'
import { note, operator } from '../terminal/terminal.ts'
import { wholeNames } from '../transfer/store-names.ts'
import { type CommandContext, type CommonFlags, withSecrets } from './context.ts'

interface DeleteFlags extends CommonFlags {
  readonly purge?: boolean
  readonly yes?: boolean
}

/** Withdraws a secret; `--purge` deletes it for good, once that is confirmed. */
export default async function remove(context: CommandContext, flags: DeleteFlags, name: string): Promise<void> {
  const { terminal } = context
  const { provider, purge = false } = flags
  const receipt = await withSecrets(`${name} was not deleted`, context, flags, async (secrets, declared) => {
    assertWhole(name, declared)
    if (purge && !flags.yes) await assertConfirmed(terminal, `Delete ${name} and all its versions for good?`)
    return secrets.deleteSecret(name, { provider, purge, actor: operator() })
  })
  if (flags.json) return void terminal.stdout.write(`${JSON.stringify({ name, ...receipt })}\n`)
  const undo = purge ? 'for good' : `finchat-secrets restore ${shellWord(name)} undoes it`
  note(terminal, `${name} is deleted at '${receipt.provider}': ${undo}`)
}

/** A field cannot be deleted alone; the declaration says whose it is. */
function assertWhole(name: string, declared: Readonly<Record<string, DeclaredSecret>>): void {
  const { name: chain = name, field } = Object.hasOwn(declared, name) ? (declared[name] ?? {}) : {}
  if (field === undefined) return
  const whole = wholeNames([chain], declared).find((each) => declared[each]?.field === undefined)
  throw new UsageError(
    `${name} is the field ${field} of a secret, which is deleted as a whole`,
    whole === undefined ? 'declare the whole secret under a name of its own' : `delete it by finchat-secrets delete ${shellWord(whole)}`,
  )
}
