import { configurationError, SecretsError, systemCode } from '@finchat/secrets-core/provider'

/** Holds nothing of the failure but a code such as `EPIPE`. */
export function refused(problem: string, remedy: string, failure?: unknown): SecretsError {
  return new SecretsError('AUDIT_FAILED', problem, { remedy, storeStatus: systemCode(failure) })
}

/** Throws `CONFIGURATION` for what no file system takes as a path. */
export function assertFolder(folder: unknown): asserts folder is string {
  if (typeof folder !== 'string' || folder === '' || folder.includes('\0'))
    throw configurationError('`folder` is not a path', 'name a folder')
}

export function assertSinkName(name: unknown): void {
  if (typeof name !== 'string' || name === '') throw configurationError('`name` is not a text, or empty', 'leave it out, or give a text')
}
