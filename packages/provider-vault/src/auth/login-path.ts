import { SecretsError } from '@finchat/secrets-core'
import { canHoldPath, encodedPath } from '../shared/paths.ts'

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
