import type { EnvironmentReader } from '@finchat/secrets-core'
import { type AwsProvider, awsProviderWith } from './aws-provider.ts'
import { isRegion } from './model/arn.ts'

/**
 * An AWS provider as the environment asks for it, for `secretsManagerFromEnv({ aws: awsFromEnv })`: `FINCHAT_AWS_REGION` (else the SDK's own
 * chain, then `us-east-1`, with a process warning), and `FINCHAT_AWS_NAMES`, a list such as `FINCHAT_TOKEN=finchat/token#token,DB=prod/db`. Credentials are the SDK's own
 * affair.
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
  return awsProviderWith({ region: isSound ? region : undefined, names: env.names('FINCHAT_AWS_NAMES') }, lastResort)
}

/** Without a setting an earlier system asked there, and its users' secrets are there. */
const lastResort = 'us-east-1'
