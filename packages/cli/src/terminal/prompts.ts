import { loadOnUse } from '@finchat/secrets-core/provider'
import { exitCodes } from './exit-codes.ts'
import { InterruptedError, UsageError } from './failure.ts'
import { KnownError } from './known-error.ts'
import type { Terminal } from './terminal.ts'
import { visible } from './visible.ts'

type Clack = typeof import('@clack/prompts')

/** Where a question is put: its output is stdout by default, which is for data. */
export interface Place {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  readonly withGuide: false
}

/** The answer to a question of clack. Throws `InterruptedError` for Ctrl-C, Ctrl-D and Escape. */
export async function ask<Answer>(
  { stdin, stderr }: Terminal,
  question: (clack: Clack, place: Place) => Promise<Answer>,
): Promise<Exclude<Answer, symbol>> {
  const clack = await loadOnUse({ what: 'the prompt', name: '@clack/prompts' }, () => import('@clack/prompts'), 'updateSettings')
  // Ctrl-D ends the input of clack, which then waits for ever.
  clack.updateSettings({ aliases: { '\u0004': 'cancel' } })
  stdin.prependListener('keypress', takeAsReturn)
  try {
    const answer = await question(clack, { input: stdin, output: stderr as NodeJS.WriteStream, withGuide: false })
    if (typeof answer === 'symbol') throw new InterruptedError()
    return answer as Exclude<Answer, symbol> // just looked at
  } finally {
    stdin.off('keypress', takeAsReturn)
    stdin.pause()
  }
}

/** Programs end a line by LF, as script(1) does; clack waits for CR. */
function takeAsReturn(_: unknown, key: { name?: string } | undefined): void {
  if (key?.name === 'enter') key.name = 'return'
}

/** Asks a question whose default answer is no. Throws unless the answer is yes. */
export async function assertConfirmed(terminal: Terminal, message: string): Promise<void> {
  if (!terminal.stdin.isTTY) throw new UsageError(`there is no terminal to ask: ${message}`, 'say yes by --yes')
  const answer = await ask(terminal, ({ confirm }, place) => confirm({ message: visible(message), initialValue: false, ...place }))
  if (!answer)
    throw new KnownError('you answered no', 'run it again if you change your mind', { code: 'DECLINED', exitCode: exitCodes.differs })
}
