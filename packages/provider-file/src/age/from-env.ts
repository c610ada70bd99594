import type { EnvironmentReader } from '@finchat/secrets-core'
import { namesFromEnv } from '@finchat/secrets-core/provider'
import type { DocumentProvider } from '../shared/document-provider.ts'
import { ageDocument, type AgeDocumentOptions } from './age-document.ts'
import { type AgeFiles, ageFiles } from './age-files.ts'
import { identityFrom } from './identity-from-env.ts'

/**
 * Makes a provider of age files from environment variables, for `secretsManagerFromEnv({ age:
 * ageFromEnv })`: of the folder `FINCHAT_AGE_FOLDER`, or of the document `FINCHAT_AGE_FILE` with
 * `FINCHAT_AGE_FORMAT` (`json` or `dotenv`). Their identity is `FINCHAT_AGE_IDENTITY`, or in the file
 * `FINCHAT_AGE_IDENTITY_FILE`. `FINCHAT_AGE_NAMES` is a list such as `DB=prod/db,TOKEN=api#token`.
 * `FINCHAT_AGE_PREFIX` and `FINCHAT_AGE_ONLY_NAMED` are as for the other providers. Throws
 * `CONFIGURATION` as `ageFiles` and `ageDocument` do.
 *
 * @example
 * import { secretsManagerFromEnv } from '@finchat/secrets-core'
 * import { ageFromEnv } from '@finchat/secrets-provider-file/age'
 *
 * const env = { FINCHAT_SECRETS_PROVIDER: 'age', FINCHAT_AGE_FOLDER: '.', FINCHAT_AGE_IDENTITY_FILE: '/run/age/identity' }
 * const secrets = secretsManagerFromEnv({ age: ageFromEnv }, { env })
 * console.log(await secrets.getSecret('TOKEN').catch(({ code }) => code)) // NOT_FOUND
 */
export function ageFromEnv(env: EnvironmentReader): AgeFiles | DocumentProvider {
  const [folder, file] = [env.optional('FINCHAT_AGE_FOLDER'), env.optional('FINCHAT_AGE_FILE')]
  const format = env.optional('FINCHAT_AGE_FORMAT')
  const identity = identityFrom(env, 'FINCHAT_AGE_IDENTITY')
  const names = namesFromEnv(env, 'AGE')
  if ((folder === undefined) === (file === undefined)) env.problem('set either FINCHAT_AGE_FOLDER or FINCHAT_AGE_FILE')
  if (folder !== undefined && format !== undefined) env.problem('FINCHAT_AGE_FORMAT is of FINCHAT_AGE_FILE: unset it')
  if (file === undefined) return ageFiles({ folder: folder ?? '', identity, ...names })
  return ageDocument({ file, identity, ...names, format: format as AgeDocumentOptions['format'] }) // checked there
}
