import { resolve } from 'node:path'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { note } from '../terminal/terminal.ts'
import { type CommandContext, explained } from '../commands/context.ts'
import { ownPackage } from './auditors-keys.ts'
import { assertTrail, inFolder } from './trail-folder.ts'

interface RotateFlags {
  readonly json?: boolean
}

/** Begins the next folder of a trail, within the first one. */
export default async function rotate({ terminal }: CommandContext, { json }: RotateFlags, folder: string): Promise<void> {
  const rotated = await explained(
    'the trail goes on where it was',
    async () => {
      const path = resolve(terminal.cwd(), folder)
      await assertTrail(path)
      const { rotateAuditFolder } = await loadOnUse(ownPackage, () => import('@finchat/secrets-audit/folder'), 'rotateAuditFolder')
      return rotateAuditFolder(path)
    },
    inFolder(folder),
  )
  terminal.stdout.write(json ? `${JSON.stringify(rotated)}\n` : `${rotated.to}\n`)
  if (json) return
  note(terminal, 'services go on there with their next segment, within ten minutes; the same key verifies it')
  note(terminal, `the folder before may be archived once they did: ${rotated.from}`)
}
