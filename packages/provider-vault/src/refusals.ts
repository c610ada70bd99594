import { SecretsError } from '@finchat/secrets-core'

/** A credential that was refused is not sent again for as long: Vault locks a role after some tries. */
export const refusalMs = 60_000

/** Vault refused a token: one that was given to us, or that a login had given. */
export function tokenRefused(isOurs: boolean): SecretsError {
  return isOurs
    ? new SecretsError('UNAUTHENTICATED', 'Vault refused the token that it had given at the login', {
        remedy: 'see whether it was revoked, has too few uses, or is bound to other addresses',
      })
    : new SecretsError('UNAUTHENTICATED', 'Vault refused the token', {
        remedy: 'it is wrong, expired or revoked: give another; the same is not sent again for a minute',
      })
}

/** Vault refused what was sent to a path such as `auth/approle/login`; a missing method is answered alike. */
export function loginRefused(path: string): SecretsError {
  return new SecretsError('UNAUTHENTICATED', `Vault refused the login at ${path.replace(/\/login(\/[^/]*)?$/, '')}`, {
    remedy: 'the credential is wrong, or there is no such method there; the same is not sent again for a minute, lest Vault locks its role',
  })
}
