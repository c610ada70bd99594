import { type Application, proposeCompletions } from '@stricli/core'
import type { CommandContext } from '../commands/context.ts'

/** What the scripts of `completion` call, with `=` and the word at the cursor, then the words before it. */
export const completeCommand = '__complete'

/** Prints what may stand at the cursor: a line each, a tab before what it is. It stays quiet if it knows nothing. */
export async function complete(
  app: Application<CommandContext>,
  [partial = '=', ...words]: readonly string[],
  context: CommandContext,
): Promise<void> {
  const proposed = await proposeCompletions(app, [...words, partial.slice(1)], context).catch(() => [])
  const lines = proposed.map(({ completion, brief }) => `${completion}\t${brief.split('\n', 1).join('')}\n`)
  context.terminal.stdout.write(lines.join(''))
}
