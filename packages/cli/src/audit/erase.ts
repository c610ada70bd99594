import { resolve } from 'node:path'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { assertConfirmed } from '../terminal/prompts.ts'
import { counted } from '../terminal/counted.ts'
import { note } from '../terminal/terminal.ts'
import { type CommandContext, explained } from '../commands/context.ts'
import { ownPackage } from './auditors-keys.ts'
import { assertTrail, inFolder } from './trail-folder.ts'

interface EraseFlags {
  readonly names: string
  readonly reason: string
  readonly yes?: boolean
  readonly json?: boolean
}

/** Erases names of persons from a trail, by their keys. */
export default async function erase(context: CommandContext, flags: EraseFlags, folder: string, ...names: string[]): Promise<void> {
  const { terminal } = context
  const result = await explained(
    'nothing was erased',
    async () => {
      const path = resolve(terminal.cwd(), folder)
      await assertTrail(path)
      if (!flags.yes) await assertConfirmed(terminal, `Erase ${counted(names.length, 'name')} from every record, for good?`)
      const { eraseAuditNames } = await loadOnUse(ownPackage, () => import('@finchat/secrets-audit/folder'), 'eraseAuditNames')
      return eraseAuditNames(path, { file: resolve(terminal.cwd(), flags.names), names, reason: flags.reason })
    },
    inFolder(folder),
  )
  if (flags.json) return void terminal.stdout.write(`${JSON.stringify(result)}\n`)
  note(terminal, `erased: ${counted(result.erased, 'name')} of ${names.length}; services forget them within a minute`)
  for (const pseudonym of result.pseudonyms) note(terminal, `records show: erased name ${pseudonym}`)
  note(terminal, 'erase them in each copy of the file too, such as a backup')
}
