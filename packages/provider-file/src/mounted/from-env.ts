import type { EnvironmentReader } from '@finchat/secrets-core'
import { namesFromEnv, switchFromEnv } from '@finchat/secrets-core/provider'
import { type MountedSecrets, mountedSecrets } from './mounted-secrets.ts'

/**
 * Makes a provider of mounted secrets from environment variables, for `secretsManagerFromEnv({
 * mounted: mountedFromEnv })`. It reads `FINCHAT_MOUNTED_FOLDER` (default `/run/secrets`),
 * `FINCHAT_MOUNTED_WITHOUT_LINE_END` (`true` or `false`) and `FINCHAT_MOUNTED_NAMES`, a list such as
 * `DB=db/password,TOKEN=api.json#token`. Throws `CONFIGURATION` as `mountedSecrets` does.
 *
 * @example
 * import { mkdirSync, writeFileSync } from 'node:fs'
 * import { secretsManagerFromEnv } from '@finchat/secrets-core'
 * import { mountedFromEnv } from '@finchat/secrets-provider-file'
 *
 * mkdirSync('mount')
 * writeFileSync('mount/TOKEN', 'hunter2')
 * const env = { FINCHAT_SECRETS_PROVIDER: 'mounted', FINCHAT_MOUNTED_FOLDER: 'mount' }
 * const secrets = secretsManagerFromEnv({ mounted: mountedFromEnv }, { env })
 * console.log(await secrets.getSecret('TOKEN')) // hunter2
 */
export function mountedFromEnv(env: EnvironmentReader): MountedSecrets {
  return mountedSecrets({
    folder: env.optional('FINCHAT_MOUNTED_FOLDER') ?? '/run/secrets',
    ...namesFromEnv(env, 'MOUNTED'),
    withoutLineEnd: switchFromEnv(env, 'FINCHAT_MOUNTED_WITHOUT_LINE_END'),
  })
}
