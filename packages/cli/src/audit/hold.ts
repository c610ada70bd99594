import { resolve } from 'node:path'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { shellWord } from '../terminal/shell-word.ts'
import { UsageError } from '../terminal/failure.ts'
import { note } from '../terminal/terminal.ts'
import { type CommandContext, explained } from '../commands/context.ts'
import { ownPackage } from './auditors-keys.ts'
import { assertTrail } from './trail-folder.ts'

interface HoldFlags {
  readonly reason: string
  readonly release?: boolean
  readonly hold?: string
}

/** Begins or ends a legal hold, which forbids pruning and erasure. */
export default async function hold(context: CommandContext, flags: HoldFlags, folder: string): Promise<void> {
  const { terminal } = context
  const { reason, release = false } = flags
  if (flags.hold !== undefined && !release)
    throw new UsageError('--hold names the hold that --release ends', 'add --release, or leave out --hold')
  const inForce = await explained('the hold is as it was', async () => {
    const path = resolve(terminal.cwd(), folder)
    await assertTrail(path)
    const { holdAuditFolder, releaseAuditFolder } = await loadOnUse(
      ownPackage,
      () => import('@finchat/secrets-audit/folder'),
      'holdAuditFolder',
    )
    return release ? releaseAuditFolder(path, { reason, hold: flags.hold }) : holdAuditFolder(path, { reason })
  })
  if (inForce.length === 0) return note(terminal, 'the hold is over: old records may be pruned')
  if (release) note(terminal, 'the hold is over')
  note(terminal, inForce.length === 1 ? 'nothing is pruned until:' : `nothing is pruned until the last of ${inForce.length} holds is over:`)
  for (const each of inForce)
    note(terminal, `  finchat-secrets audit hold ${shellWord(folder)} --release --hold ${shellWord(each.reason)} --reason TEXT`)
  if (!release) note(terminal, 'start a service anew: its checkpoints prove that the hold was not taken back with the folder')
}
