import type { NamesOptions } from '@finchat/secrets-core/provider'
import type { SecretsManagerClient, SecretsManagerClientConfig } from './sdk.ts'

/** Options of `awsProvider`. */
export interface AwsProviderOptions extends NamesOptions {
  /**
   * Such as `eu-west-1`. Default: the SDK's own chain (AWS_REGION, the profile). Without any region
   * every call is `CONFIGURATION`. With `client` only beside `account`.
   */
  readonly region?: string | undefined
  /**
   * Such as that of a VPC endpoint: https, or http on this machine. Default: the SDK's chain
   * (AWS_ENDPOINT_URL_SECRETS_MANAGER, AWS_ENDPOINT_URL, the profile), under the same rule.
   */
  readonly endpoint?: string | undefined
  /**
   * Settings of the client that the provider makes, except its endpoint. Default: credentials by
   * the SDK's own chain, 3 attempts, retry mode `standard`.
   */
  readonly clientConfig?: Omit<SecretsManagerClientConfig, 'endpoint' | 'endpointProvider'> | undefined
  /** Your own client, with your timeouts and retries. The provider never destroys it. */
  readonly client?: SecretsManagerClient | undefined
  /**
   * Milliseconds for one call to AWS, retries included; an attempt has 40 % of it. Default: 4,500,
   * below the manager's `deadlineMs`, which cannot tell a hang from throttling.
   */
  readonly timeoutMs?: number | undefined
  /**
   * The 12 digits of the AWS account. With `region` it allows a shared cache to keep the answers.
   * An answer from another account or region is then an error.
   */
  readonly account?: string | undefined
  /** The provider's name in errors, audit events and health. Default: `aws`. */
  readonly name?: string | undefined
  /**
   * Joins reads of one turn of the event loop into one `BatchGetSecretValue`. Default: false, since
   * AWS allows 100 batches a second and 10,000 single reads.
   */
  readonly coalesceReads?: boolean | undefined
  /** The KMS key of created secrets: an id, an ARN or an alias. Default: `aws/secretsmanager`. */
  readonly kmsKeyId?: string | undefined
  /** Days in which a deleted secret can be restored, 7 to 30. Default: 30. */
  readonly recoveryWindowDays?: number | undefined
}

export interface CheckedOptions {
  readonly name: string
  readonly coalesceReads: boolean
  readonly client: SecretsManagerClient | undefined
  readonly clientConfig: SecretsManagerClientConfig
  readonly region: string | undefined
  /** The region to ask if none is set. */
  readonly fallbackRegion: string | undefined
  readonly endpoint: string | undefined
  readonly timeoutMs: number
  readonly account: string | undefined
  readonly kmsKeyId: string | undefined
  readonly recoveryWindowDays: number
}
