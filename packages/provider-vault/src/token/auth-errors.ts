import { SecretsError } from '@finchat/secrets-core'

/**
 * Vault forgets failed logins 15 minutes after the last one, in whole seconds. One try in a
 * slightly longer time never causes a lock-out.
 */
const refusalMs: number = 15 * 60_000 + 2_000
export const longestHoldMs: number = refusalMs
/** Shorter, because a successful login locks no role. */
const tokenOfLoginMs = 60_000

/** The answer to each call until this time. */
export interface Refusal {
  readonly error: SecretsError
  readonly until: number
  /** Vault may have counted a failed login. */
  readonly isCounted?: boolean
}

const notAgain = 'the same one is sent again after 15 minutes, or by a restarted process'

/** Vault refused a given token, or one of our logins. */
export function tokenRefused(isOurs: boolean): Refusal {
  return isOurs
    ? refusal('Vault refused the token that it had given at the login', {
        remedy: 'see whether it was revoked, has too few uses, or is bound to other addresses',
        ms: tokenOfLoginMs,
      })
    : refusal('Vault refused the token', { remedy: `it is wrong, expired or revoked: give another; ${notAgain}` })
}

export interface RefusedLogin {
  readonly method: string
  readonly path: string
  readonly status: number
  /** An earlier login with the same credential had no answer. */
  readonly wasLost?: boolean
}

/** Vault answers a locked role and a missing method with the same 403. */
export function loginRefused({ method, path, status, wasLost = false }: RefusedLogin): Refusal {
  const cause =
    status === 403 ? (causes403.get(method) ?? 'no role takes the credential') : 'the credential is wrong, or its role is not there'
  const told = refusal(`Vault refused the login at ${path.replace(/\/login(\/[^/]*)?$/, '')}`, {
    remedy: `${wasLost ? usedUp : ''}${cause}, or there is no such method there; ${notAgain}`,
    storeStatus: String(status),
  })
  return { ...told, isCounted: true }
}

const usedUp = 'an earlier login got no answer, and may have used it up: if the credential is for one use, give another; otherwise '
const lockedOut = 'failed logins, also of other processes, may have locked out the'
const remedyOfLock = ' (see sys/locked-users, and find who logs in with a wrong credential)'

/** Methods that answer a wrong credential with 400, and a lock-out with 403. */
const causes403: ReadonlyMap<string, string> = new Map([
  ['approle', `${lockedOut} role${remedyOfLock}`],
  ['userpass', `${lockedOut} user${remedyOfLock}`],
])

/** A fifth failed login may lock the role. */
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
