import type { NamesOptions } from '@finchat/secrets-core/provider'
import type { SecretsManagerClient, SecretsManagerClientConfig } from './sdk.ts'

/** What `awsProvider` takes. */
export interface AwsProviderOptions extends NamesOptions {
  /**
   * Such as `eu-west-1`. Default: the SDK's own chain (AWS_REGION, the profile); where that has none, every call is `CONFIGURATION`. With `client`
   * only beside `account`.
   */
  readonly region?: string | undefined
  /**
   * Instead of AWS's own, such as that of a VPC endpoint: https, or http on this machine. Default: AWS_ENDPOINT_URL_SECRETS_MANAGER, AWS_ENDPOINT_URL or
   * the profile, which are held to the same.
   */
  readonly endpoint?: string | undefined
  /**
   * For the client that the provider makes, but for its endpoint, which is `endpoint`. Default: credentials by the SDK's own chain, 3 attempts,
   * retry mode `standard`.
   */
  readonly clientConfig?: Omit<SecretsManagerClientConfig, 'endpoint' | 'endpointProvider'> | undefined
  /** A client of your own, whose timeouts and retries are yours. It is never destroyed by the provider. */
  readonly client?: SecretsManagerClient | undefined
  /**
   * Milliseconds that one call to AWS may take, retries included; an attempt has 40 % of it. Default: 4,500, which is less than the manager's
   * `deadlineMs`: of a call that the manager ends nobody can say whether AWS hangs or throttles.
   */
  readonly timeoutMs?: number | undefined
  /**
   * The 12 digits of the AWS account. With `region` it lets a cache that is shared by a fleet keep this provider's answers; an answer from
   * another account or region is then an error.
   */
  readonly account?: string | undefined
  /** The provider's name in errors, audit events and health. Default: `aws`. */
  readonly name?: string | undefined
  /**
   * Reads of one turn of the event loop become one `BatchGetSecretValue`. Default: false, for AWS allows 100 batches a second and 10,000 single
   * reads: a large fleet can do less with it.
   */
  readonly coalesceReads?: boolean | undefined
  /** The KMS key of secrets that are created: an id, an ARN or an alias. Default: `aws/secretsmanager`. */
  readonly kmsKeyId?: string | undefined
  /** Days in which a deleted secret can be restored, 7 to 30. Default: 30. */
  readonly recoveryWindowDays?: number | undefined
}

/** The same, checked. */
export interface CheckedOptions {
  readonly name: string
  readonly coalesceReads: boolean
  readonly client: SecretsManagerClient | undefined
  readonly clientConfig: SecretsManagerClientConfig
  readonly region: string | undefined
  /** Asked where there is no region at all. */
  readonly lastResort: string | undefined
  readonly endpoint: string | undefined
  readonly timeoutMs: number
  readonly account: string | undefined
  readonly kmsKeyId: string | undefined
  readonly recoveryWindowDays: number
}
