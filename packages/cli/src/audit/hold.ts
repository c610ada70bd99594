import { resolve } from 'node:path'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { shellWord } from '../terminal/shell-word.ts'
import { note } from '../terminal/terminal.ts'
import { type CommandContext, explained } from '../commands/context.ts'
import { ownPackage } from './auditors-keys.ts'
import { assertTrail } from './trail-folder.ts'

interface HoldFlags {
  readonly reason: string
  readonly release?: boolean
}

/** Begins or ends a legal hold, which forbids pruning. */
export default async function hold({ terminal }: CommandContext, { reason, release = false }: HoldFlags, folder: string): Promise<void> {
  await explained('the hold is as it was', async () => {
    const path = resolve(terminal.cwd(), folder)
    await assertTrail(path)
    const { holdAuditFolder, releaseAuditFolder } = await loadOnUse(
      ownPackage,
      () => import('@finchat/secrets-audit/folder'),
      'holdAuditFolder',
    )
    await (release ? releaseAuditFolder : holdAuditFolder)(path, { reason })
  })
  if (release) return note(terminal, 'the hold is over: old records may be pruned')
  note(terminal, `nothing is pruned until: finchat-secrets audit hold ${shellWord(folder)} --release --reason TEXT`)
  note(terminal, 'start a service anew: its checkpoints prove that the hold was not taken back with the folder')
}
