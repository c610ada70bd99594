import { SecretsError } from '@finchat/secrets-core'
import { knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { member } from '../http/answer.ts'
import { called } from '../shared/credential.ts'
import { assertRole, loginPath, type VaultAuth } from './vault-auth.ts'
import { type AwsCredentials, signedHeaders } from './sign-aws.ts'

export interface AwsIamOptions {
  readonly role: string
  /** The keys, or a function that returns them, such as those of `@aws-sdk/credential-providers`; it is called at each login. */
  readonly credentials: AwsCredentials | (() => Promise<AwsCredentials>)
  /** Where STS is asked: the region of its regional endpoint. Default: the global one. */
  readonly region?: string | undefined
  /** What the mount asks for as `iam_server_id_header_value`, so that the proof is of no use to another server. */
  readonly serverId?: string | undefined
  /** Where the method is mounted. Default: `aws`. */
  readonly mount?: string | undefined
}

const members: MembersOf<AwsIamOptions> = { role: 'string', credentials: 'any', region: 'string', serverId: 'string', mount: 'string' }

/**
 * Logs in to HashiCorp Vault as a role or user of AWS: with a signed request to STS that says who that is, which Vault sends. The keys do not leave
 * the process. OpenBao has no such method. Throws `CONFIGURATION` for a region or a mount that is none.
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
      const keys = checked(typeof credentials === 'function' ? await called(credentials, 'the AWS credentials', signal) : credentials)
      return { path, body: { role, ...identityProof(keys, region, serverId) }, credential: JSON.stringify(keys) }
    },
  }
}

const proofBody = 'Action=GetCallerIdentity&Version=2011-06-15'

/** In the form that Vault's login takes: each part as base64. */
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

/** As AWS's reference of service endpoints has it. */
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
