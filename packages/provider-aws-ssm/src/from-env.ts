import type { EnvironmentReader } from '@finchat/secrets-core'
import { namesFromEnv } from '@finchat/secrets-core/provider'
import { isRegion } from './model/region.ts'
import { type SsmProvider, ssmProvider } from './ssm-provider.ts'

/**
 * Returns the provider of Parameter Store that the environment describes, for
 * `secretsManagerFromEnv({ ssm: ssmFromEnv })`. `FINCHAT_SSM_REGION` defaults to the SDK's own
 * chain. `FINCHAT_SSM_NAMES` is a list such as `FINCHAT_TOKEN=/prod/token,DB=/prod/db#password`. With
 * `FINCHAT_SSM_ONLY_NAMED=true` it is asked for nothing else; `FINCHAT_SSM_PREFIX` goes before all
 * other names. The SDK finds the credentials.
 *
 * @example
 * import { secretsManagerFromEnv } from '@finchat/secrets-core'
 * import { ssmFromEnv } from '@finchat/secrets-provider-aws-ssm'
 *
 * const env = { FINCHAT_SECRETS_PROVIDER: 'ssm', FINCHAT_SSM_REGION: 'eu-west-1', FINCHAT_SSM_NAMES: 'DB=/prod/db#password' }
 * const secrets = secretsManagerFromEnv({ ssm: ssmFromEnv }, { env })
 * await secrets.close() // nothing was loaded or asked yet
 */
export function ssmFromEnv(env: EnvironmentReader): SsmProvider {
  const region = env.optional('FINCHAT_SSM_REGION')
  const isSound = region === undefined || isRegion(region)
  if (!isSound) env.problem('FINCHAT_SSM_REGION is not a region: give one such as eu-west-1')
  return ssmProvider({ region: isSound ? region : undefined, ...namesFromEnv(env, 'SSM') })
}
