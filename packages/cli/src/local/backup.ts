import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { UsageError } from '../terminal/failure.ts'
import { note } from '../terminal/terminal.ts'
import type { CommandContext } from '../commands/context.ts'
import { contentsText, type LocalFlags, withLocalStore } from './local-store.ts'

interface BackupFlags extends LocalFlags {
  readonly output?: string
  readonly force?: boolean
}

/** Makes a verified copy of the local store, while others use it. */
export default async function backup(context: CommandContext, flags: BackupFlags): Promise<void> {
  const { terminal } = context
  const { output, force = false, json } = flags
  const { file, contents, key } = await withLocalStore('no backup was made', context, flags, async ({ store, path, places }) => {
    const to =
      output === undefined ? `${path}.backup-${new Date().toISOString().replaceAll(/[:.]/g, '-')}` : resolve(terminal.cwd(), output)
    if (existsSync(to) && !force) throw new UsageError('there is already a file of this name', 'name another one, or replace it by --force')
    return { file: to, contents: await store.backup({ to, overwrite: force }), key: places.key }
  })
  terminal.stdout.write(json ? `${JSON.stringify({ file, ...contents })}\n` : `${file}\n`)
  if (json) return
  note(terminal, `backed up and verified: ${contentsText(contents)}`)
  note(terminal, `it opens with ${key} as that is today: keep this key as long as the backup`)
}
