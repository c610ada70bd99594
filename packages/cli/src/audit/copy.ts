import { resolve } from 'node:path'
import { counted } from '../terminal/counted.ts'
import { ProgressLine } from '../terminal/progress.ts'
import { note } from '../terminal/terminal.ts'
import { type CommandContext, explained } from '../commands/context.ts'
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
  const made = await explained('the copy is not complete: run it again to go on', async () => {
    const { copyAuditTrail } = await loadReport()
    const progress = new ProgressLine(terminal)
    const onProgress = (done: number, all: number): void => progress.show(() => `copying: ${done} of ${counted(all, 'segment')}`)
    return progress.during(async () => copyAuditTrail(resolve(cwd, folder), resolve(cwd, target), { checkpoints, onProgress }))
  })
  terminal.stdout.write(flags.json ? `${JSON.stringify(made)}\n` : `${made.folder}\n`)
  if (flags.json) return
  const proof = made.checkpoints === undefined ? '' : ` --checkpoints ${made.checkpoints}`
  note(terminal, `${counted(made.segments, 'segment')}, of which ${counted(made.copied, 'was', 'were')} copied now`)
  note(terminal, `the auditor verifies it by: finchat-secrets audit verify ${made.folder}${proof}`)
  if (made.checkpoints === undefined) note(terminal, 'without checkpoints (--checkpoints) a truncated end may stay unproven')
}
