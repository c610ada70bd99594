import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { onOneLine, SecretsError } from '../errors/secrets-error.ts'

/** Codes of the core itself, and what a provider should reject with instead. */
const reserved: ReadonlyMap<SecretsErrorCode, string> = new Map([
  ['NOT_FOUND', 'its get() must resolve to undefined instead'],
  ['ABORTED', 'if the caller did not abort, it is UNAVAILABLE or DEADLINE_EXCEEDED'],
])
const onExisting = new Set(['tag', 'delete', 'restore'])

/** Replaces what a provider must not reject with by `INTERNAL`. */
export function trustedError(error: unknown, method: string): SecretsError {
  const failure = asSecretsError(error)
  const remedy = reserved.get(failure.code)
  if (remedy === undefined || (failure.code === 'NOT_FOUND' && onExisting.has(method))) return failure
  return new SecretsError('INTERNAL', `the provider rejected with ${failure.code}`, { remedy })
}

/** Keeps only the kind of a foreign error, whose message may hold a secret. */
export function asSecretsError(error: unknown): SecretsError {
  let kind = 'an error of its own'
  try {
    if (SecretsError.isInstance(error)) return onOneLine(error)
    kind = kindOf(error)
  } catch {
    // A foreign object's members may throw.
  }
  return new SecretsError('INTERNAL', `the provider failed with ${kind} instead of a SecretsError`, {
    remedy: "report it to the provider's author",
  })
}

const kinds = new Set(['Error', 'TypeError', 'RangeError', 'SyntaxError', 'ReferenceError', 'AggregateError', 'AbortError', 'TimeoutError'])

function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'something'
  return kinds.has(error.name) ? `${/^[AE]/.test(error.name) ? 'an' : 'a'} ${error.name}` : 'an error of its own'
}
