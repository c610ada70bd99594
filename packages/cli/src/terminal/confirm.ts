import { loadOnUse } from '@finchat/secrets-core/provider'
import { InterruptedError, UsageError } from './failure.ts'
import type { Terminal } from './terminal.ts'

/** Asks a question whose default answer is no. Throws unless the answer is yes. */
export async function assertConfirmed({ stdin, stderr }: Terminal, message: string): Promise<void> {
  if (!stdin.isTTY) throw new UsageError(`there is no terminal to ask: ${message}`, 'say yes by --yes')
  const { confirm, isCancel } = await loadOnUse({ what: 'the prompt', name: '@clack/prompts' }, () => import('@clack/prompts'), 'confirm')
  const answer = await confirm({ message, initialValue: false, input: stdin, output: stderr as NodeJS.WriteStream, withGuide: false })
  if (isCancel(answer) || !answer) throw new InterruptedError()
}
