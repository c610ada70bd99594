import { completionScripts, type Shell } from '../setup/completion-scripts.ts'
import type { CommandContext } from '../commands/context.ts'

/** Prints the script that a shell loads. */
export default async function completion({ terminal }: CommandContext, shell: Shell): Promise<void> {
  terminal.stdout.write(completionScripts[shell])
}
