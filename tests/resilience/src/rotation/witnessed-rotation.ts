import { channel } from 'node:diagnostics_channel'
import { auditTrail, functionSink } from '@finchat/secrets-audit'
import { createSecretsManager, type SecretFields, type SecretsManager } from '@finchat/secrets-core'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { passwordGenerator, rotate, type RotationTarget } from '@finchat/secrets-rotation'

/** Rotations of one secret, and what others saw of them. */
export interface WitnessedRotation {
  /** What they generated. */
  readonly values: readonly string[]
  /** Records of the trail, states, and errors; and what a test adds. */
  readonly seen: unknown[]
  /** Resolves to the outcome, or to the code of the error. */
  readonly rotate: (target: RotationTarget) => Promise<string>
  readonly close: () => Promise<void>
}

const secret = 'login'
const states = channel('finchat.secrets.rotation')
const generate = passwordGenerator()

export async function witnessedRotation(first: string | SecretFields): Promise<WitnessedRotation> {
  const values: string[] = []
  const seen: unknown[] = []
  const note = (thing: unknown): void => void seen.push(thing)
  const secrets: SecretsManager = createSecretsManager({
    providers: [localProvider({ path: ':memory:', key: generateKey() })],
    audit: auditTrail({ sinks: [functionSink(note)] }),
  })
  await secrets.storeSecret(secret, first)
  const generated = (): string => {
    const value = generate()
    values.push(value)
    return value
  }
  states.subscribe(note)
  return {
    values,
    seen,
    rotate: async (target) => {
      try {
        return (await rotate(secrets, secret, { target, generate: generated, graceSeconds: 0, onState: note })).outcome
      } catch (error) {
        note(error)
        return error instanceof Error && 'code' in error ? String(error.code) : 'no error'
      }
    },
    close: async () => {
      states.unsubscribe(note)
      await secrets.close()
    },
  }
}
