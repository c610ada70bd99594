import { SecretsError } from '@finchat/secrets-core'

export function wrongOption(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}

/** What somebody passed instead of what was asked for, for a message; text is not shown. */
export function described(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  return typeof value === 'string' ? 'text' : `a ${typeof value}`
}
