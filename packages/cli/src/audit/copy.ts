import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { hasCode } from '@finchat/secrets-core/provider'
import { counted } from '../terminal/counted.ts'
import { CommandError } from '../terminal/failure.ts'
import { ProgressLine } from '../terminal/progress.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { note } from '../terminal/terminal.ts'
import { type CommandContext, explained } from '../commands/context.ts'
import { sealedKeyFile } from './auditors-keys.ts'
import { heldIndex } from './trail-folder.ts'
import { loadReport } from './trail.ts'

interface CopyFlags {
  readonly checkpoints?: string
  readonly json?: boolean
}

/** Makes a copy of a live trail that can be verified elsewhere. */
export default async function copy(context: CommandContext, flags: CopyFlags, folder: string, target: string): Promise<void> {
  const { terminal } = context
  const cwd = terminal.cwd()
  const checkpoints = flags.checkpoints === undefined ? undefined : resolve(cwd, flags.checkpoints)
  const to = resolve(cwd, target)
  const made = await explained('nothing was copied', async () => {
    const { copyAuditTrail } = await loadReport()
    const progress = new ProgressLine(terminal)
    const onProgress = (done: number, all: number): void => progress.show(() => `copying: ${done} of ${counted(all, 'segment')}`)
    const copied = progress.during(async () => copyAuditTrail(resolve(cwd, folder), to, { checkpoints, onProgress }))
    return copied.catch((error: unknown) => {
      throw isBegun(error, to) ? new CommandError('the copy is not complete: run it again to go on', error) : error
    })
  })
  terminal.stdout.write(flags.json ? `${JSON.stringify(made)}\n` : `${made.folder}\n`)
  if (flags.json) return
  const checkpointsFlag = made.checkpoints === undefined ? '' : ` --checkpoints ${shellWord(made.checkpoints)}`
  const proof = `${checkpointsFlag} ${keyFlagFor(made.folder)}`
  note(terminal, `${counted(made.segments, 'segment')}, of which ${counted(made.copied, 'was', 'were')} copied now`)
  note(terminal, `the auditor verifies it by: finchat-secrets audit verify ${shellWord(made.folder)}${proof}`)
  if (made.checkpoints === undefined) note(terminal, 'without checkpoints (--checkpoints) a truncated end may stay unproven')
}

/** The auditor names the file of the key, or of the private key that opens the sealed one. */
function keyFlagFor(folder: string): string {
  return existsSync(join(folder, sealedKeyFile)) ? '--auditor-key FILE' : '--key-file FILE'
}

/** What is refused has not begun. */
function isBegun(error: unknown, target: string): boolean {
  return hasCode(error, 'AUDIT_FAILED') && existsSync(join(target, 'audit', heldIndex))
}
