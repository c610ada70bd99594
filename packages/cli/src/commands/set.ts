import { assertAllowed, plannedWrite } from '../config/planned-write.ts'
import { UsageError } from '../terminal/failure.ts'
import { readSecretInput } from '../terminal/secret-input.ts'
import { note } from '../terminal/terminal.ts'
import { type CommandContext, type CommonFlags, explained, operator, withSecrets } from './context.ts'
import { tagsOf } from './tags.ts'

interface SetFlags extends CommonFlags {
  readonly version?: number
  readonly field?: string
  readonly tag?: readonly string[]
  readonly exact?: boolean
  readonly force?: boolean
}

/** Stores a value from a hidden prompt or a pipe. */
export default async function set(context: CommandContext, flags: SetFlags, name: string, ...values: string[]): Promise<void> {
  const { terminal } = context
  const { provider, version, field } = flags
  const receipt = await explained('nothing was written', async () => {
    if (values.length > 0 || name.includes('=')) throw valueAsArgument()
    const tags = flags.tag === undefined ? undefined : tagsOf(flags.tag)
    return withSecrets(`${name} was not written`, context, flags, async (secrets, declared) => {
      const value = await readSecretInput(terminal, { question: `Value of ${name} (hidden)`, exact: flags.exact === true })
      const write = plannedWrite(name, field, declared)
      if (write !== undefined && !flags.force) await assertAllowed(write, value, declared)
      return secrets.storeSecret(name, value, { provider, version, field, tags, actor: operator() })
    })
  })
  if (flags.json) terminal.stdout.write(`${JSON.stringify({ name, provider: receipt.provider, version: receipt.version })}\n`)
  else note(terminal, `${name} is written${receipt.version === undefined ? '' : ` as version ${receipt.version}`} at '${receipt.provider}'`)
}

/** It does not quote the value. */
function valueAsArgument(): UsageError {
  return new UsageError(
    'a value is never an argument: other users see it in `ps`, and the shell keeps it in its history',
    'pipe it: printf %s "$VALUE" | finchat-secrets set NAME; or give the name alone, and be asked',
  )
}
