import { member } from '@finchat/secrets-core/http'
import { SecretsError } from '@finchat/secrets-core'
import { knownOptions, type MembersOf, callSource } from '@finchat/secrets-core/provider'
import { assertRole, loginPath, type VaultAuth } from './vault-auth.ts'
import { type AwsCredentials, signedHeaders } from './sign-aws.ts'

/** Options of `awsIam`. */
export interface AwsIamOptions {
  readonly role: string
  /**
   * The keys, or a function that is called at each login, such as those of
   * `@aws-sdk/credential-providers`.
   */
  readonly credentials: AwsCredentials | (() => Promise<AwsCredentials>)
  /** The region of the STS endpoint. Default: the global endpoint. */
  readonly region?: string | undefined
  /** The mount's `iam_server_id_header_value`, which makes the proof useless for another server. */
  readonly serverId?: string | undefined
  /** The mount of the method. Default: `aws`. */
  readonly mount?: string | undefined
}

const members: MembersOf<AwsIamOptions> = { role: 'string', credentials: 'any', region: 'string', serverId: 'string', mount: 'string' }

/**
 * Logs in to HashiCorp Vault as a role or user of AWS. Vault gets a signed request to STS, which
 * shows who signed it; the keys stay in the process. OpenBao has no such method. Throws
 * `CONFIGURATION` for an invalid region or mount.
 *
 * @example
 * import { awsIam, vaultProvider } from '@finchat/secrets-provider-vault'
 *
 * const vault = vaultProvider({ url: 'https://vault.example:8200', auth: awsIam({ role: 'app', credentials: async () => ({ accessKeyId: 'AKIA…', secretAccessKey: '…' }) }) })
 * console.log(vault.name) // vault
 */
export function awsIam(options: AwsIamOptions): VaultAuth {
  const { role, credentials, region, serverId, mount = 'aws' } = knownOptions(options, members)
  assertRole(role)
  const path = loginPath(mount)
  if (region !== undefined && !/^[a-z0-9-]{1,32}$/.test(region))
    throw new SecretsError('CONFIGURATION', '`region` is no region of AWS', { remedy: 'use one such as eu-west-1' })
  return {
    method: 'aws',
    prepare: async ({ signal }) => {
      const keys = checked(typeof credentials === 'function' ? await callSource(credentials, 'the AWS credentials', signal) : credentials)
      return { path, body: { role, ...identityProof(keys, region, serverId) }, credential: JSON.stringify(keys) }
    },
  }
}

const proofBody = 'Action=GetCallerIdentity&Version=2011-06-15'

/** Each part in base64, as Vault's login takes it. */
function identityProof(keys: AwsCredentials, region: string | undefined, serverId: string | undefined): Record<string, string> {
  const host = endpointOf(region)
  const plain = {
    Host: host,
    'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
    'Content-Length': String(proofBody.length),
    ...(serverId !== undefined && { 'X-Vault-AWS-IAM-Server-ID': serverId }),
  }
  const headers = signedHeaders(
    { service: 'sts', region: region ?? 'us-east-1', path: '/', headers: plain, body: proofBody },
    keys,
    new Date(),
  )
  return {
    iam_http_request_method: 'POST',
    iam_request_url: base64(`https://${host}/`),
    iam_request_body: base64(proofBody),
    iam_request_headers: base64(JSON.stringify(headers)),
  }
}

/** AWS's reference of service endpoints. */
function endpointOf(region: string | undefined): string {
  if (region === undefined) return 'sts.amazonaws.com'
  return `sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}

function checked(keys: unknown): AwsCredentials {
  const [accessKeyId, secretAccessKey, sessionToken] = ['accessKeyId', 'secretAccessKey', 'sessionToken'].map((key) => member(keys, key))
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string' || accessKeyId === '' || secretAccessKey === '') {
    throw new SecretsError('CREDENTIALS_MISSING', 'there are no AWS credentials to log in with', {
      remedy: 'give accessKeyId and secretAccessKey',
    })
  }
  return { accessKeyId, secretAccessKey, ...(typeof sessionToken === 'string' && { sessionToken }) }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
