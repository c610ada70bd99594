import type { EnvironmentReader } from '@finchat/secrets-core'
import { namesFromEnv } from '@finchat/secrets-core/provider'
import { identityFrom } from '../age/identity-from-env.ts'
import type { DocumentProvider } from '../shared/document-provider.ts'
import { sopsDocument, type SopsDocumentOptions } from './sops-document.ts'

/**
 * Makes a provider of a SOPS file from environment variables, for `secretsManagerFromEnv({ sops:
 * sopsFromEnv })`. It reads `FINCHAT_SOPS_FILE` (required) and `FINCHAT_SOPS_FORMAT` (`yaml`, `json`
 * or `dotenv`). The age identity is `FINCHAT_SOPS_IDENTITY`, or in the file
 * `FINCHAT_SOPS_IDENTITY_FILE`. `FINCHAT_SOPS_NAMES` is a list such as `DB_PASSWORD=db#password`.
 * Throws `CONFIGURATION` as `sopsDocument` does.
 *
 * @example
 * import { secretsManagerFromEnv } from '@finchat/secrets-core'
 * import { sopsFromEnv } from '@finchat/secrets-provider-file/sops'
 *
 * const env = { FINCHAT_SECRETS_PROVIDER: 'sops', FINCHAT_SOPS_FILE: 'secrets.enc.yaml', FINCHAT_SOPS_IDENTITY_FILE: '/run/age/identity' }
 * const secrets = secretsManagerFromEnv({ sops: sopsFromEnv }, { env })
 * console.log(await secrets.getSecret('TOKEN').catch(({ code }) => code)) // CONFIGURATION
 */
export function sopsFromEnv(env: EnvironmentReader): DocumentProvider {
  const identity = identityFrom(env, 'FINCHAT_SOPS_IDENTITY')
  const format = env.optional('FINCHAT_SOPS_FORMAT')
  return sopsDocument({
    file: env.required('FINCHAT_SOPS_FILE'),
    identity,
    ...namesFromEnv(env, 'SOPS'),
    format: format as SopsDocumentOptions['format'], // checked there
  })
}
