import { UsageError } from '../terminal/failure.ts'
import { note, operator } from '../terminal/terminal.ts'
import { type CommandContext, explained, withSecrets } from '../commands/context.ts'
import { restoreBackup, type RestoreBackupFlags } from './restore-backup.ts'

/** Undoes a deletion, if the store can; with `--backup` restores the whole local store. */
export default async function restore(context: CommandContext, flags: RestoreBackupFlags, name?: string): Promise<void> {
  return explained('nothing was restored', async () => {
    if (name !== undefined && flags.backup !== undefined)
      throw new UsageError('a backup is of the whole store, not of one secret', 'leave out the name, or --backup')
    if (flags.backup !== undefined) return restoreBackup(context, flags, flags.backup)
    if (name === undefined)
      throw new UsageError('there is neither a name nor a backup', 'give the name of a deleted secret, or --backup FILE')
    return undelete(context, flags, name)
  })
}

async function undelete(context: CommandContext, flags: RestoreBackupFlags, name: string): Promise<void> {
  const { terminal } = context
  const { provider } = await withSecrets(`${name} was not restored`, context, flags, async (secrets) =>
    secrets.restoreSecret(name, { provider: flags.provider, actor: operator() }),
  )
  if (flags.json) terminal.stdout.write(`${JSON.stringify({ name, provider })}\n`)
  else note(terminal, `${name} is restored at '${provider}'`)
}
