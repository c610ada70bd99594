import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { quoted } from './format.ts'
import { SecretNotFoundError, SecretsError } from './secrets-error.ts'
import { earliestRetry } from './unresolved-error.ts'

export interface Failure {
  readonly name: string
  readonly error: SecretsError
}

/** In ascending order; all other codes are graver. */
const gravity: readonly SecretsErrorCode[] = ['NOT_FOUND', 'INVALID_ARGUMENT', 'RATE_LIMITED', 'DEADLINE_EXCEEDED', 'UNAVAILABLE']

/**
 * Lists every failure by name under the gravest code: what waiting does not heal, then outages,
 * then wrong values, then `NOT_FOUND`.
 */
export function aggregateError(failures: readonly Failure[], count: number): SecretsError {
  const [only] = failures
  if (only !== undefined && count === 1) return only.error
  const problem = `${failures.length} of ${count} secrets are missing, wrong or could not be read:${failures.map(lineOf).join('')}`
  const { code, secret = '' } = failures.reduce((gravest, failure) => (rank(failure) > rank(gravest) ? failure : gravest)).error
  if (code === 'NOT_FOUND') return new SecretNotFoundError(secret, { problem })
  return new SecretsError(code, problem, { retryAt: earliestRetry(failures.map(({ error }) => error)) })
}

function lineOf({ name, error }: Failure): string {
  return `\n  ${quoted(name)}: ${error.message}`
}

function rank({ error }: Failure): number {
  const index = gravity.indexOf(error.code)
  return index === -1 ? gravity.length : index
}
