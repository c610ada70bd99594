import { exitCodes } from '../terminal/exit-codes.ts'
import { readSecretInput } from '../terminal/secret-input.ts'
import { type CommandContext, type CommonFlags, operator, withReadable } from './context.ts'

interface VerifyFlags extends CommonFlags {
  readonly field?: string
  readonly exact?: boolean
}

/** Compares a value from a hidden prompt or a pipe with the current secret, in constant time. */
export default async function verify(context: CommandContext, flags: VerifyFlags, name: string): Promise<void> {
  const { terminal } = context
  const matches = await withReadable(`${name} could not be compared`, context, flags, async (secrets) => {
    const presented = await readSecretInput(terminal, { question: `Value to compare with ${name} (hidden)`, exact: flags.exact === true })
    return secrets.verifySecret(name, presented, { field: flags.field, actor: operator() })
  })
  terminal.stdout.write(flags.json ? `${JSON.stringify({ name, matches })}\n` : `${matches ? 'matches' : 'differs'}\n`)
  if (!matches) context.process.exitCode = exitCodes.differs
}
