import type { SecretsErrorAttempt, SecretsErrorCode } from '../contract/error-codes.ts'
import { SecretsError } from './secrets-error.ts'

/**
 * One provider's part in an error about several: code, problem and remedy of its error, and no
 * more.
 */
export function attemptOf(provider: string, { code, problem, remedy, retryAt }: SecretsError, durationMs: number): SecretsErrorAttempt {
  return { provider, code, durationMs, message: problem, remedy, retryAt }
}

/** The earliest `retryAt` of these failures. */
export function earliestRetry(failures: readonly { readonly retryAt?: number | undefined }[]): number | undefined {
  const times = failures.map(({ retryAt }) => retryAt).filter((time): time is number => Number.isFinite(time))
  return times.length === 0 ? undefined : Math.min(...times)
}

/**
 * One error for a read that no provider answered. Its remedy is the first that a provider gives, or
 * `otherwise`.
 */
export function unresolvedError(
  code: SecretsErrorCode,
  problem: string,
  secret: string,
  attempts: readonly SecretsErrorAttempt[],
  otherwise?: string,
): SecretsError {
  const failed = attempts.filter((attempt) => attempt.code !== 'NOT_FOUND')
  const isOne = failed.length === 1
  const said = failed.map((attempt) => `${attempt.provider} said ${attempt.code}, ${isOne ? attempt.message : shortened(attempt.message)}`)
  const { provider, remedy } = failed.find((attempt) => attempt.remedy !== undefined) ?? {}
  return new SecretsError(code, `${problem}: ${said.join('; ')}`, {
    secret,
    attempts,
    retryAt: earliestRetry(failed),
    // With several providers, the message names the one that failed.
    remedy: remedy === undefined || isOne ? (remedy ?? otherwise) : `${provider}: ${remedy}`,
  })
}

/** The error of a read that ended without an answer because a provider could not be asked. */
export function notAsked(secret: string, attempts: readonly SecretsErrorAttempt[]): SecretsError {
  const problem =
    attempts.length === 1 ? `Secret '${secret}' cannot be read` : 'not every provider could be asked, so whether it exists is not known'
  return unresolvedError('UNAVAILABLE', problem, secret, attempts)
}

/** The error of a call that needs the current secret while an earlier provider cannot be asked. */
export function notSure(
  secret: string,
  provider: string,
  attempts: readonly SecretsErrorAttempt[],
  otherwise: string = 'try again, or name the provider if you know',
): SecretsError {
  const problem = `an earlier provider cannot be asked, so whether '${provider}' has the current secret is not known`
  return unresolvedError('UNAVAILABLE', problem, secret, attempts, otherwise)
}

const shortLength = 120

/** At most the first line: `attempts` has the whole. */
function shortened(message = ''): string {
  const [line = ''] = message.split('\n')
  return line.length > shortLength || line !== message ? `${line.slice(0, shortLength).trimEnd()}…` : line
}
