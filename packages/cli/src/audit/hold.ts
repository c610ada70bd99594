import { resolve } from 'node:path'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { note } from '../terminal/terminal.ts'
import { type CommandContext, explained } from '../commands/context.ts'
import { assertTrail, ownPackage } from './trail.ts'

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
  note(
    terminal,
    release ? 'the hold is over: old records may be pruned' : 'nothing is pruned until `finchat-secrets audit hold FOLDER --release`',
  )
}
