import { described } from '../errors/format.ts'
import { isRecord } from '../errors/own-properties.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import type { SecretValue } from '../value/secret-value.ts'

/** As names are. All marks of a secret are in one text. */
const longestActor = 512

/** Throws `INVALID_ARGUMENT` for an actor that does not fit into a mark. */
export function assertActor({ actor = '' }: { readonly actor?: string | undefined }): void {
  if (actor.length <= longestActor && actor.isWellFormed()) return
  throw new SecretsError('INVALID_ARGUMENT', `the option actor is longer than ${longestActor} characters, or not well-formed`, {
    remedy: `pass a name of up to ${longestActor} characters`,
  })
}

/** Throws `CONFIGURATION` for what code without types passes instead. Another copy of core has another class. */
export function assertSecretValues(values: readonly unknown[]): asserts values is readonly SecretValue[] {
  const wrong = values.findIndex((value) => !isSecretValue(value))
  if (wrong < 0) return
  throw new SecretsError('CONFIGURATION', `what was used is ${described(values[wrong])} instead of a secret value`, {
    remedy: 'pass what getSecretValue(…) returned, or `current` of a live secret',
  })
}

/** Its members are accessors of a prototype. */
function isSecretValue(value: unknown): boolean {
  return isRecord(value) && typeof Reflect.get(value, 'provider') === 'string' && typeof Reflect.get(value, 'reveal') === 'function'
}
