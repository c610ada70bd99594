import { createSecretsManager, type SecretProvider, SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { memoryProvider, type MemoryProvider } from '@finchat/secrets-testkit'
import type { RotateOptions } from '../engine/rotate-options.ts'
import type { RotationTarget } from '../targets/target.ts'

/** The value of `db` at first. */
export const first = 'a first password'

export function provider(): MemoryProvider {
  return memoryProvider({ secrets: { db: first } })
}

export function secretsOver(store: SecretProvider = provider()): SecretsManager {
  return createSecretsManager({ providers: [store] })
}

export function optionsOf(target: RotationTarget, more: Partial<RotateOptions> = {}): RotateOptions {
  return { target, generate: () => `a password of ${Math.random()}`, graceSeconds: 600, actor: 'ana', ...more }
}

export async function failureOf(call: Promise<unknown>): Promise<SecretsError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (SecretsError.isInstance(error)) return error
  throw new Error('it did not reject with a SecretsError')
}

/** The target with some members replaced. */
export function withMembers(target: RotationTarget, members: Partial<RotationTarget>): RotationTarget {
  return { ...target, ...members }
}
