import { SecretsError } from '@finchat/secrets-core'

/**
 * A credential that was refused is not sent again for as long. Vault counts failed logins until none came for 15 minutes, in whole seconds:
 * one try in somewhat more never adds up to a lock-out.
 */
const refusalMs: number = 15 * 60_000 + 2_000
export const longestHoldMs: number = refusalMs
/** A login whose token is refused harms nobody, and may be of use soon. */
const tokenOfLoginMs = 60_000

/** An error, and until when it stands for all that would be asked. */
export interface Refusal {
  readonly error: SecretsError
  readonly until: number
  /** Vault may have counted it as a failed login. */
  readonly isCounted?: boolean
}

const notAgain = 'the same is not sent again for 15 minutes, nor by a `fresh` read, but by another process'

/** Vault refused a token: one that was given to us, or that a login had given. */
export function tokenRefused(isOurs: boolean): Refusal {
  return isOurs
    ? refusal('Vault refused the token that it had given at the login', {
        remedy: 'see whether it was revoked, has too few uses, or is bound to other addresses',
        ms: tokenOfLoginMs,
      })
    : refusal('Vault refused the token', { remedy: `it is wrong, expired or revoked: give another; ${notAgain}` })
}

/** The login that Vault refused: how it logs in, at a path such as `auth/approle/login`, and the status of the answer. */
export interface RefusedLogin {
  readonly method: string
  readonly path: string
  readonly status: number
}

/** Vault refused a login. Its answer to a role that is locked, and to a method that is not there, is the same 403. */
export function loginRefused({ method, path, status }: RefusedLogin): Refusal {
  const cause =
    status === 403 ? (causes403.get(method) ?? 'no role takes the credential') : 'the credential is wrong, or its role is not there'
  const told = refusal(`Vault refused the login at ${path.replace(/\/login(\/[^/]*)?$/, '')}`, {
    remedy: `${cause}, or there is no such method there; ${notAgain}`,
    storeStatus: String(status),
  })
  return { ...told, isCounted: true }
}

const lockedOut = 'failed logins, also of other processes, have locked out the'
const remedyOfLock = ': see sys/locked-users, and find who logs in with a wrong credential'

/** Methods that answer a wrong credential with 400, and whoever is locked out with 403, whatever the credential. */
const causes403: ReadonlyMap<string, string> = new Map([
  ['approle', `${lockedOut} role${remedyOfLock}`],
  ['userpass', `${lockedOut} user${remedyOfLock}`],
])

/** Several credentials were refused one after the other, and one more may lock their role. */
export function tooManyRefused(until: number): SecretsError {
  return new SecretsError('UNAUTHENTICATED', 'Vault refused the last four credentials, and a fifth may lock out their role', {
    remedy: 'correct what gives the credential, then start this process again, or wait for 15 minutes',
    retryAt: until,
  })
}

interface RefusalDetails {
  readonly remedy: string
  readonly storeStatus?: string
  readonly ms?: number
}

function refusal(problem: string, { remedy, storeStatus, ms = refusalMs }: RefusalDetails): Refusal {
  const until = Date.now() + ms
  return { error: new SecretsError('UNAUTHENTICATED', problem, { remedy, storeStatus, retryAt: until }), until }
}
