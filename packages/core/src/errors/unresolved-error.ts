import type { SecretsErrorAttempt, SecretsErrorCode } from '../contract/error-codes.ts'
import { SecretsError } from './secrets-error.ts'

/** What a provider said, for the error of a walk: nothing of its error but code, problem and remedy. */
export function attemptOf(provider: string, { code, problem, remedy, retryAt }: SecretsError, durationMs: number): SecretsErrorAttempt {
  return { provider, code, durationMs, message: problem, remedy, retryAt }
}

/** When asking again can help first, of errors or attempts that may say so. */
export function earliestRetry(failures: readonly { readonly retryAt?: number | undefined }[]): number | undefined {
  const times = failures.map(({ retryAt }) => retryAt).filter((time): time is number => Number.isFinite(time))
  return times.length === 0 ? undefined : Math.min(...times)
}

/** The error of a walk that nobody answered: what each provider that failed said, and what to do about the first that knows, or `otherwise`. */
export function unanswered(
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
    // Of several it must be seen whose it is.
    remedy: remedy === undefined || isOne ? (remedy ?? otherwise) : `${provider}: ${remedy}`,
  })
}

/** The error of a read that nobody could answer, though some were asked. */
export function notAsked(secret: string, attempts: readonly SecretsErrorAttempt[]): SecretsError {
  const problem =
    attempts.length === 1 ? `Secret '${secret}' cannot be read` : 'not every provider could be asked, so whether it exists is not known'
  return unanswered('UNAVAILABLE', problem, secret, attempts)
}

/** The error of what counts only if the provider has the current secret, behind one that could not be asked. */
export function notSure(
  secret: string,
  provider: string,
  attempts: readonly SecretsErrorAttempt[],
  otherwise: string = 'try again, or name the provider if you know',
): SecretsError {
  const problem = `an earlier provider cannot be asked, so whether '${provider}' has the current secret is not known`
  return unanswered('UNAVAILABLE', problem, secret, attempts, otherwise)
}

const shortLength = 120

/** The first line, or its beginning: `attempts` has the whole. */
function shortened(message = ''): string {
  const [line = ''] = message.split('\n')
  return line.length > shortLength || line !== message ? `${line.slice(0, shortLength).trimEnd()}…` : line
}
