import { loadOnUse } from '@finchat/secrets-core/provider'
import { exitCodes } from '../terminal/exit-codes.ts'
import { InterruptedError, UsageError } from '../terminal/failure.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import { type CommandContext, type CommonFlags, operator, withSecrets } from './context.ts'

interface DeleteFlags extends CommonFlags {
  readonly purge?: boolean
  readonly yes?: boolean
}

/** Withdraws a secret; `--purge` deletes it for good, once that is confirmed. */
export default async function remove(context: CommandContext, flags: DeleteFlags, name: string): Promise<void> {
  const { terminal } = context
  const { provider, purge = false } = flags
  const receipt = await withSecrets(`${name} was not deleted`, context, flags, async (secrets) => {
    if (purge && !flags.yes && !(await isConfirmed(name, terminal))) return undefined
    return secrets.deleteSecret(name, { provider, purge, actor: operator() })
  })
  if (receipt === undefined) return declined(name, context)
  if (flags.json) return void terminal.stdout.write(`${JSON.stringify({ name, ...receipt })}\n`)
  const undo = purge ? 'for good' : 'finchat-secrets restore undoes it'
  note(terminal, `${name} is deleted at '${receipt.provider}': ${undo}`)
}

/** A script must not take a "no" for done. */
function declined(name: string, { process, terminal }: CommandContext): void {
  note(terminal, `${name} was not deleted`)
  process.exitCode = exitCodes.differs
}

async function isConfirmed(name: string, { stdin, stderr }: Terminal): Promise<boolean> {
  if (!stdin.isTTY) throw new UsageError('there is no terminal to ask whether to delete it for good', 'say so by --yes')
  const { confirm, isCancel } = await loadOnUse({ what: 'the prompt', name: '@clack/prompts' }, () => import('@clack/prompts'), 'confirm')
  const message = `Delete ${name} and all its versions for good?`
  const answer = await confirm({ message, initialValue: false, input: stdin, output: stderr as NodeJS.WriteStream, withGuide: false })
  if (isCancel(answer)) throw new InterruptedError()
  return answer
}
