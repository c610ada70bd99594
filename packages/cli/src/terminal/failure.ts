import { SecretsError } from '@finchat/secrets-core/provider' // its main entry is loaded with the command
import { exitCodeOfError, exitCodes } from './exit-codes.ts'
import { inCommands } from './in-commands.ts'
import { KnownError } from './known-error.ts'

export { KnownError, UsageError } from './known-error.ts'

/** An error as people read it: what failed, why, and what to do. None of it holds a value. */
export interface Failure {
  readonly what: string
  readonly why: string
  readonly remedy: string
  /** For programs: `USAGE`, `INTERRUPTED`, or a code of `SecretsError`. */
  readonly code: string
  readonly exitCode: number
}

/** The user gave up at a question. */
export class InterruptedError extends Error {}

/** What a command was about when it failed; `cause` is not shown as it is. */
export class CommandError extends Error {
  /** Says the cause in other words, such as those of the configuration file. */
  readonly reworded: (text: string) => string

  constructor(what: string, cause: unknown, reworded = (text: string): string => text) {
    super(what, { cause })
    this.reworded = reworded
  }
}

/** An unknown error is named by its class alone: its message could hold anything. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof CommandError)) return failureBehind('the command failed', error)
  const failure = failureBehind(error.message, error.cause)
  return { ...failure, why: error.reworded(failure.why), remedy: error.reworded(failure.remedy) }
}

function failureBehind(what: string, thrown: unknown): Failure {
  const cause = isFolderGone(thrown) ? folderGone : thrown
  if (cause instanceof KnownError) {
    const { message: why, remedy, code, exitCode } = cause
    return { what, why, remedy, code, exitCode }
  }
  if (cause instanceof InterruptedError) return interrupted
  if (SecretsError.isInstance(cause)) return secretsFailure(what, cause)
  const name = cause instanceof Error ? cause.constructor.name : typeof cause
  return { what, why: `an unexpected error (${name})`, remedy: remedies.INTERNAL, code: 'INTERNAL', exitCode: exitCodes.other }
}

const folderGone = new KnownError('the current folder was removed', 'change to a folder that is there: cd FOLDER', {
  code: 'INVALID_ARGUMENT', // of USAGE it would be asked for its configuration
  exitCode: exitCodes.usage,
})

/** As `process.cwd()` says it. */
function isFolderGone(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd'
}

const interrupted: Failure = {
  what: 'interrupted',
  why: 'you ended it at the question',
  remedy: 'nothing was written; run the command again',
  code: 'INTERRUPTED',
  exitCode: exitCodes.interrupted,
}

function secretsFailure(what: string, error: SecretsError): Failure {
  const { code } = error
  const remedy = error.remedy ?? remedies[code] ?? remedies.INTERNAL
  return { what, why: inCommands(reasonOf(error)), remedy: inCommands(remedy), code, exitCode: exitCodeOfError(error) }
}

/** With several providers, the reason of each. */
function reasonOf({ attempts = [], provider, problem, code, effect }: SecretsError): string {
  const place = provider === undefined ? '' : `provider '${provider}': `
  const failed = attempts.filter(({ message }) => message !== undefined)
  const each = failed.map((attempt) => `\n${attempt.provider}: ${attempt.message} (${attempt.code})`)
  const unknown = effect === 'unknown' ? '; it may have happened all the same' : ''
  return `${place}${problem} (${code})${unknown}${each.join('')}`
}

/** Where the error has none of its own. */
const remedies: Readonly<Record<string, string>> & { readonly INTERNAL: string } = {
  NOT_FOUND: 'see `finchat-secrets list` for what the stores have',
  DELETED: 'undo it with `finchat-secrets restore`',
  PERMISSION_DENIED: 'ask for the permission, or use other credentials',
  CREDENTIALS_MISSING: 'give the provider its credentials',
  UNAUTHENTICATED: 'renew the credentials of the provider',
  INVALID_ARGUMENT: 'see --help of the command',
  RATE_LIMITED: 'wait, and run it again',
  UNAVAILABLE: 'see whether the store is up and reachable from here, and run it again',
  DEADLINE_EXCEEDED: 'see whether the store is slow or unreachable from here, and run it again',
  ABORTED: 'run it again',
  VERSION_CONFLICT: 'read the current version, and run it again',
  INTEGRITY: 'do not use the store; restore it from a backup, and find out who changed it',
  UNSUPPORTED: 'name another provider by --provider',
  CONFIGURATION: 'correct the configuration file or the variables',
  AUDIT_FAILED: 'see that the audit trail can be written',
  INTERNAL: 'run it again; if it stays, report it with the command and this text',
}
