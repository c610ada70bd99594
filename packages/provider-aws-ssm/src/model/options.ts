import type { NamesOptions } from '@finchat/secrets-core/provider'
import type { ParameterTier } from './limits.ts'
import type { SSMClient, SSMClientConfig } from './sdk.ts'

/** Options of `ssmProvider`. */
export interface SsmProviderOptions extends NamesOptions {
  /**
   * Such as `eu-west-1`. Default: the SDK's own chain (AWS_REGION, the profile). Without any region
   * every call is `CONFIGURATION`. With `client` only beside `account`.
   */
  readonly region?: string | undefined
  /**
   * Such as that of a VPC endpoint: https, or http on this machine. Default: the SDK's chain
   * (AWS_ENDPOINT_URL_SSM, AWS_ENDPOINT_URL, the profile), under the same rule.
   */
  readonly endpoint?: string | undefined
  /**
   * Settings of the client that the provider makes, except its endpoint. Default: credentials by
   * the SDK's own chain, 3 attempts, retry mode `standard`.
   */
  readonly clientConfig?: Omit<SSMClientConfig, 'endpoint' | 'endpointProvider'> | undefined
  /** Your own client, with your timeouts and retries. The provider never destroys it. */
  readonly client?: SSMClient | undefined
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
  /** The provider's name in errors, audit events and health. Default: `ssm`. */
  readonly name?: string | undefined
  /** The KMS key of every value that is written: an id, an ARN or an alias. Default: `aws/ssm`. */
  readonly keyId?: string | undefined
  /** The tier of what is written. Default: that of the account; values then have 4 KB at most. */
  readonly tier?: ParameterTier | undefined
}

export interface CheckedOptions extends Pick<SsmProviderOptions, 'client' | 'region' | 'endpoint' | 'account' | 'keyId' | 'tier'> {
  readonly name: string
  readonly clientConfig: SSMClientConfig
  readonly timeoutMs: number
}
