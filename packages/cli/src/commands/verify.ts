import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { SecretsManager } from '@finchat/secrets-core'
import { hasCode } from '@finchat/secrets-core/provider'
import { exitCodes } from '../terminal/exit-codes.ts'
import { readSecretInput } from '../terminal/secret-input.ts'
import { type CommandContext, type CommonFlags, withReadable } from './context.ts'
import { operator } from '../terminal/terminal.ts'

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
    const isMatch = await secrets.verifySecret(name, presented, { field: flags.field, actor: operator() })
    if (!isMatch) await assertExists(secrets, name)
    return isMatch
  }).finally(() => unsubscribe(decoyChannel, note))
  terminal.stdout.write(
    flags.json ? `${JSON.stringify({ name, matches, decoy: decoys.length > 0 })}\n` : `${matches ? 'matches' : 'differs'}\n`,
  )
  if (!matches) context.process.exitCode = exitCodes.differs
}

/**
 * A service must not learn from `verifySecret` which names there are; an operator must. What else
 * fails, such as a right to describe that is missing, tells nothing of the comparison.
 */
async function assertExists(secrets: SecretsManager, name: string): Promise<void> {
  try {
    await secrets.describeSecret(name, { actor: operator() })
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND', 'DELETED')) throw error
  }
}
