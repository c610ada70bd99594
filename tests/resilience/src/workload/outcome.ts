import { SecretsError } from '@finchat/secrets-core'
import type { Outcome } from './operation.ts'

/** How the call ended, so that it can be written down. */
export async function outcomeOf(call: Promise<Outcome>): Promise<Outcome> {
  const [settled] = await Promise.allSettled([call])
  if (settled.status === 'fulfilled') return settled.value
  const error: unknown = settled.reason
  if (!SecretsError.isInstance(error)) return { code: 'FOREIGN', message: String(error) }
  return { code: error.code, effect: error.effect, message: error.message }
}
