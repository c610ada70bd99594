import { SecretsError } from '@finchat/secrets-core'
import type { VaultAnswer } from '../http/answer.ts'
import { canHoldPath, encodedPath } from '../shared/paths.ts'

/** A way to log in, made by `appRole(…)`, `kubernetes(…)` and others. */
export interface VaultAuth {
  /** The name in errors and events. */
  readonly method: string
  /**
   * Reads the credentials anew, and returns the login. Sends no request that could consume them
   * twice.
   */
  readonly prepare: (context: AuthContext) => Promise<Login>
}

/** What a login method may use. */
export interface AuthContext {
  readonly signal: AbortSignal
  /** Sends a request without the held token. Repeats it only if the server did nothing. */
  readonly post: (path: string, body: Readonly<Record<string, unknown>>, token?: string) => Promise<VaultAnswer>
}

/** A request that logs in, or a token that needs no login. */
export type Login =
  | {
      readonly path: string
      readonly body: Readonly<Record<string, unknown>>
      /** Identifies the credential, if the body differs each time. */
      readonly credential?: string | undefined
    }
  | { readonly token: string; readonly expiresAt?: number | undefined; readonly isOnlyOne?: boolean | undefined }

/** `auth/<mount>/login` and the rest. Throws `CONFIGURATION` for an invalid mount. */
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

/** Throws `CONFIGURATION` if the role is missing. */
export function assertRole(role: unknown): asserts role is string {
  if (typeof role === 'string' && role !== '') return
  throw new SecretsError('CONFIGURATION', '`role` is missing', { remedy: 'name the role that the login is for' })
}
