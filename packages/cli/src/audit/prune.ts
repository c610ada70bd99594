import { resolve } from 'node:path'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { assertConfirmed } from '../terminal/prompts.ts'
import { counted } from '../terminal/counted.ts'
import { note } from '../terminal/terminal.ts'
import { type CommandContext, explained } from '../commands/context.ts'
import { ownPackage, textIn } from './auditors-keys.ts'
import { assertTrail, inFolder } from './trail-folder.ts'

interface PruneFlags {
  readonly before: number
  readonly reason: string
  readonly signingKey?: string
  readonly acceptGap?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

/** Removes segments that are older than the retention asks for. */
export default async function prune(context: CommandContext, flags: PruneFlags, folder: string): Promise<void> {
  const { terminal } = context
  const report = await explained(
    'nothing was removed',
    async () => {
      const path = resolve(terminal.cwd(), folder)
      await assertTrail(path)
      const { before, reason } = flags
      const signingKey =
        flags.signingKey === undefined ? undefined : await textIn(resolve(terminal.cwd(), flags.signingKey), 'the signing key')
      if (!flags.yes) await assertConfirmed(terminal, `Remove records from before ${new Date(before).toISOString()} for good?`)
      const { pruneAuditFolder } = await loadOnUse(ownPackage, () => import('@finchat/secrets-audit/folder'), 'pruneAuditFolder')
      return pruneAuditFolder(path, { before, reason, signingKey, acceptGap: flags.acceptGap })
    },
    inFolder(folder),
  )
  if (flags.json) return void terminal.stdout.write(`${JSON.stringify(report)}\n`)
  note(terminal, `removed: ${counted(report.records, 'record')} in ${counted(report.segments, 'segment')}; the trail still verifies`)
  if (report.kept.length > 0) note(terminal, `warning: damaged or gone, and still a problem: segments ${report.kept.join(', ')}`)
  if (flags.signingKey === undefined)
    note(terminal, 'without --signing-key a verification says that no signature shows who removed them, and exits with 1')
}
