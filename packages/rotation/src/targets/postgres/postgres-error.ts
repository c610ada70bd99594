import { quoted, SecretsError } from '@finchat/secrets-core/provider'
import type { SecretsErrorCode } from '@finchat/secrets-core'
import { raised } from './role-statements.ts'

interface Classification {
  readonly code: SecretsErrorCode
  readonly problem: string
  readonly remedy?: string
}

const noSuchRole = '42704'

/** By SQLSTATE. */
const classes: Readonly<Record<string, Classification>> = {
  [raised.fenced]: {
    code: 'VERSION_CONFLICT',
    problem: 'a later attempt has set this role',
    remedy: 'for a secret that was created anew: ALTER ROLE … RESET finchat.version',
  },
  [raised.grants]: {
    code: 'CONFIGURATION',
    problem: 'the user does not become the owner role when it logs in',
    remedy: 'GRANT owner TO user; ALTER ROLE user SET role = owner',
  },
  [raised.isolation]: {
    code: 'CONFIGURATION',
    problem: 'the connection does not begin transactions as read committed',
    remedy: 'leave default_transaction_isolation as it is',
  },
  // Nothing else in the statements is parsed.
  '22P02': {
    code: 'CONFIGURATION',
    problem: 'the fence of the role is no number',
    remedy: 'find out who sets finchat.version; then ALTER ROLE … RESET finchat.version',
  },
  '28P01': {
    code: 'UNAUTHENTICATED',
    problem: 'PostgreSQL refused the password of the client that `connect` returned',
    remedy: 'correct that password; it is not the one that is rotated',
  },
  '28000': {
    code: 'PERMISSION_DENIED',
    problem: 'PostgreSQL does not let this role log in',
    remedy: 'look for NOLOGIN and at pg_hba.conf',
  },
  '42501': {
    code: 'PERMISSION_DENIED',
    problem: 'the connected role may not change this role',
    remedy: 'give it CREATEROLE, ADMIN OPTION on the role, and GRANT SET ON PARAMETER finchat.version; for its own password the last alone',
  },
  [noSuchRole]: { code: 'CONFIGURATION', problem: 'there is no such role', remedy: 'create it' },
  '3D000': { code: 'CONFIGURATION', problem: 'the server has no such database', remedy: 'correct `database` of the client' },
  '53300': { code: 'UNAVAILABLE', problem: 'PostgreSQL has no connection left for this role' },
}

/** Returns the error for a user that logs in and does not become its owner role. */
export function notTheOwner(): SecretsError {
  return postgresError({ code: raised.grants })
}

/** Returns the error for a user that may log in with a wrong password. */
export function anyPasswordWorks(): SecretsError {
  return new SecretsError('CONFIGURATION', 'PostgreSQL accepts a wrong password from this host, so that a test proves nothing', {
    remedy: 'let the role log in by scram-sha-256 in pg_hba.conf, not by trust',
  })
}

/** Names the role that the server does not have: the names are options, or a field of the secret that equals one. */
export function withRole(error: unknown, role: string): unknown {
  if (!SecretsError.isInstance(error) || error.storeStatus !== noSuchRole) return error
  return new SecretsError(error.code, `there is no role ${quoted(role)}`, { ...error, remedy: 'create it, or correct the name' })
}

/** Returns the SQLSTATE of a client's error. */
export function sqlState(error: unknown): string | undefined {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

/** Returns what a client's error means. Its own text is dropped: it may quote the statement. */
export function postgresError(error: unknown, effect?: 'unknown'): SecretsError {
  if (SecretsError.isInstance(error)) return error
  const state = sqlState(error)
  const meaning = state === undefined || !Object.hasOwn(classes, state) ? undefined : classes[state]
  if (meaning) return new SecretsError(meaning.code, meaning.problem, { remedy: meaning.remedy, storeStatus: state })
  // The server answered, so the statement was undone.
  if (state !== undefined) return new SecretsError('UNAVAILABLE', 'PostgreSQL refused the statement', { storeStatus: state })
  return new SecretsError('UNAVAILABLE', 'PostgreSQL did not answer, or the client has no password', {
    remedy: 'check that it can be reached, and that the client from `connect` or `login` has a password',
    effect,
  })
}
