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

/** Throws `CONFIGURATION` for anything but a path. */
export function assertNamesFile(option: string, file: unknown): asserts file is string {
  if (typeof file === 'string' && file !== '' && !file.includes('\0')) return
  throw configurationError(`\`${option}\` is not the path of a file`, 'name a file for the keys of names, such as audit-names.key')
}
