import { SecretsError } from '@finchat/secrets-core'
import type { VaultAnswer } from '../http/answer.ts'
import { canHoldPath, encodedPath } from '../shared/paths.ts'

/** A way to get a token. Made by `appRole(…)`, `kubernetes(…)` and the like. */
export interface VaultAuth {
  /** Its name in errors and events. */
  readonly method: string
  /** Reads the credentials anew, and says what they are good for. Sends nothing that could use them up twice. */
  readonly prepare: (context: AuthContext) => Promise<Login>
}

export interface AuthContext {
  readonly signal: AbortSignal
  /** Sends a request without the token that is held; again only where the server did nothing. */
  readonly post: (path: string, body: Readonly<Record<string, unknown>>, token?: string) => Promise<VaultAnswer>
}

/** A request that logs in, or a token that needs no login. */
export type Login =
  | {
      readonly path: string
      readonly body: Readonly<Record<string, unknown>>
      /** Tells this credential from another, where the body is another one each time. */
      readonly credential?: string | undefined
    }
  | { readonly token: string; readonly expiresAt?: number | undefined; readonly isOnlyOne?: boolean | undefined }

/** `auth/<mount>/login`, and what follows. Throws `CONFIGURATION` where the mount is none. */
export function loginPath(mount: string, ...rest: readonly string[]): string {
  if (typeof mount === 'string' && mount.startsWith('auth/'))
    throw new SecretsError('CONFIGURATION', 'the mount of `auth` begins with auth/, which is added to it', { remedy: 'leave out auth/' })
  if (!canHoldPath(mount)) {
    throw new SecretsError('CONFIGURATION', 'the mount of `auth` is malformed', {
      remedy: 'write it as bao auth list shows it, without auth/ and slashes around',
    })
  }
  return encodedPath('auth', mount, 'login', ...rest)
}

/** Throws `CONFIGURATION` where the login's role is missing. */
export function assertRole(role: unknown): asserts role is string {
  if (typeof role === 'string' && role !== '') return
  throw new SecretsError('CONFIGURATION', '`role` is missing', { remedy: 'name the role that the login is for' })
}
