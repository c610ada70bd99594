import { loadOnUse } from '@finchat/secrets-core/provider'
import { exitCodes } from './exit-codes.ts'
import { InterruptedError, UsageError } from './failure.ts'
import { KnownError } from './known-error.ts'
import type { Terminal } from './terminal.ts'

/** Asks a question whose default answer is no. Throws unless the answer is yes. */
export async function assertConfirmed({ stdin, stderr }: Terminal, message: string): Promise<void> {
  if (!stdin.isTTY) throw new UsageError(`there is no terminal to ask: ${message}`, 'say yes by --yes')
  const { confirm, isCancel } = await loadOnUse({ what: 'the prompt', name: '@clack/prompts' }, () => import('@clack/prompts'), 'confirm')
  const answer = await confirm({ message, initialValue: false, input: stdin, output: stderr as NodeJS.WriteStream, withGuide: false })
  if (isCancel(answer)) throw new InterruptedError()
  if (!answer)
    throw new KnownError('you answered no', 'run it again if you change your mind', { code: 'DECLINED', exitCode: exitCodes.differs })
}
