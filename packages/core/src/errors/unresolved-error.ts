import type { SecretsErrorAttempt, SecretsErrorCode } from '../contract/error-codes.ts'
import { ownMembers } from './own-properties.ts'
import { attemptKeys, SecretsError } from './secrets-error.ts'

export function attemptOf(provider: string, { code, problem, remedy, retryAt }: SecretsError, durationMs: number): SecretsErrorAttempt {
  return { provider, code, durationMs, message: problem, remedy, retryAt }
}

/** Without the text of the store. */
export function stepOf({ provider, code, durationMs }: SecretsErrorAttempt): Pick<SecretsErrorAttempt, 'provider' | 'code' | 'durationMs'> {
  return { provider, code, durationMs }
}

export function earliestRetry(failures: readonly { readonly retryAt?: number | undefined }[]): number | undefined {
  const times = failures.map(({ retryAt }) => retryAt).filter((time): time is number => Number.isFinite(time))
  return times.length === 0 ? undefined : Math.min(...times)
}

/**
 * The error of a read without an answer. Its remedy is the first of a provider, else `otherwise`.
 */
export function unresolvedError(
  code: SecretsErrorCode,
  problem: string,
  secret: string,
  attempts: readonly SecretsErrorAttempt[],
  otherwise?: string,
): SecretsError {
  const failed = attempts.filter(({ code: each }) => each !== 'NOT_FOUND').map((attempt) => ownMembers(attempt, attemptKeys))
  const isOne = failed.length === 1
  const answers = failed.map(
    (attempt) => `${attempt.provider} said ${attempt.code}, ${isOne ? attempt.message : shortened(attempt.message)}`,
  )
  const told = failed.find(({ remedy }) => remedy !== undefined)
  return new SecretsError(code, `${problem}: ${answers.join('; ')}`, {
    secret,
    attempts,
    retryAt: earliestRetry(failed),
    remedy: told === undefined || isOne ? (told?.remedy ?? otherwise) : `${told.provider}: ${told.remedy}`,
  })
}

/** A provider could not be asked, and no other one had the secret. */
export function notAsked(secret: string, attempts: readonly SecretsErrorAttempt[]): SecretsError {
  const problem =
    attempts.length === 1 ? `Secret '${secret}' cannot be read` : 'not every provider could be asked, so whether it exists is not known'
  return unresolvedError('UNAVAILABLE', problem, secret, attempts)
}

/** The call needs the current secret, but an earlier provider cannot be asked. */
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

/** `attempts` has the whole text. */
function shortened(message = ''): string {
  const [line = ''] = message.split('\n')
  return line.length > shortLength || line !== message ? `${line.slice(0, shortLength).trimEnd()}…` : line
}
