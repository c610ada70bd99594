import type { EnvironmentReader } from '@finchat/secrets-core'
import { type AwsProvider, awsProviderWith } from './aws-provider.ts'
import { namesFromEnv } from '@finchat/secrets-core/provider'
import { isRegion } from './model/arn.ts'

/**
 * Returns the AWS provider that the environment describes, for `secretsManagerFromEnv({ aws:
 * awsFromEnv })`. `FINCHAT_AWS_REGION` defaults to the SDK's own chain, then to `us-east-1` with a
 * process warning. `FINCHAT_AWS_NAMES` is a list such as
 * `FINCHAT_TOKEN=finchat/token#token,DB=prod/db`. With `FINCHAT_AWS_ONLY_NAMED=true` it is asked for
 * nothing else; `FINCHAT_AWS_PREFIX` goes before all other names. The SDK finds the credentials.
 *
 * @example
 * import { secretsManagerFromEnv } from '@finchat/secrets-core'
 * import { awsFromEnv } from '@finchat/secrets-provider-aws'
 *
 * const env = { FINCHAT_SECRETS_PROVIDER: 'aws', FINCHAT_AWS_REGION: 'eu-west-1', FINCHAT_AWS_NAMES: 'DB=prod/db#password' }
 * const secrets = secretsManagerFromEnv({ aws: awsFromEnv }, { env })
 * await secrets.close() // nothing was loaded or asked yet
 */
export function awsFromEnv(env: EnvironmentReader): AwsProvider {
  const region = env.optional('FINCHAT_AWS_REGION')
  const isSound = region === undefined || isRegion(region)
  if (!isSound) env.problem('FINCHAT_AWS_REGION is not a region: give one such as eu-west-1')
  return awsProviderWith({ region: isSound ? region : undefined, ...namesFromEnv(env, 'AWS') }, fallbackRegion)
}

/** The default of an earlier system, whose users have their secrets there. */
const fallbackRegion = 'us-east-1'
