import { SecretsError } from '@finchat/secrets-core'

/** Holds nothing of the failure but a code such as `EPIPE`. */
export function refused(problem: string, remedy: string, failure?: unknown): SecretsError {
  return new SecretsError('AUDIT_FAILED', problem, { remedy, storeStatus: codeOf(failure) })
}

function codeOf(failure: unknown): string | undefined {
  const code: unknown = failure instanceof Error && 'code' in failure ? failure.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : undefined
}

export function misused(problem: string, remedy: string): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', problem, { remedy })
}

export function misconfigured(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}

export function assertSinkName(name: unknown): void {
  if (typeof name !== 'string' || name === '') throw misconfigured('`name` is not a text, or empty', 'leave it out, or give a text')
}
