import { type Credential, withoutLineEnd } from '../kit/credential.ts'
import type { EnvironmentReader } from './environment-reader.ts'

/**
 * Reads a credential: the variable holds it, or the variable with `_FILE` names its file, which the
 * provider reads at each use. `undefined` if neither is set; both are a problem.
 *
 * @example
 * import { type ProviderFromEnv, secretsManagerFromEnv } from '@finchat/secrets-core'
 * import { credentialFromEnv } from '@finchat/secrets-core/provider'
 *
 * const own: ProviderFromEnv = (variables) => ({ specificationVersion: 'v1', name: 'own', get: async () => ({ value: JSON.stringify(credentialFromEnv(variables, 'FINCHAT_OWN_TOKEN')) }) })
 * const secrets = secretsManagerFromEnv({ own }, { env: { FINCHAT_SECRETS_PROVIDER: 'own', FINCHAT_OWN_TOKEN_FILE: '/run/token' } })
 * console.log(await secrets.getSecret('token')) // {"file":"/run/token"}
 */
export function credentialFromEnv(env: EnvironmentReader, variable: string): Credential | undefined {
  const [text, file] = [env.optional(variable), env.optional(`${variable}_FILE`)]
  if (text !== undefined && file !== undefined) env.problem(`set either ${variable} or ${variable}_FILE`)
  if (file !== undefined) return { file }
  return text === undefined ? undefined : withoutLineEnd(text)
}
