import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { exitCodes } from '../terminal/exit-codes.ts'
import { readSecretInput } from '../terminal/secret-input.ts'
import { type CommandContext, type CommonFlags, operator, withReadable } from './context.ts'

interface VerifyFlags extends CommonFlags {
  readonly field?: string
  readonly exact?: boolean
}

/** The channel of `report-decoys`, which is loaded only where a key for decoys is configured. */
const decoyChannel = 'finchat.secrets.decoy'

/** Compares a value from a hidden prompt or a pipe with the current secret, in constant time. */
export default async function verify(context: CommandContext, flags: VerifyFlags, name: string): Promise<void> {
  const { terminal } = context
  const decoys: unknown[] = []
  const note = (use: unknown): void => void decoys.push(use)
  subscribe(decoyChannel, note)
  const matches = await withReadable(`${name} could not be compared`, context, flags, async (secrets) => {
    const presented = await readSecretInput(terminal, { question: `Value to compare with ${name} (hidden)`, exact: flags.exact === true })
    return secrets.verifySecret(name, presented, { field: flags.field, actor: operator() })
  }).finally(() => unsubscribe(decoyChannel, note))
  terminal.stdout.write(
    flags.json ? `${JSON.stringify({ name, matches, decoy: decoys.length > 0 })}\n` : `${matches ? 'matches' : 'differs'}\n`,
  )
  if (!matches) context.process.exitCode = exitCodes.differs
}
