// Stubs of AWS and Vault with one secret each, over plain HTTP on loopback.
import { startAwsStub, startHttpProxy, type AwsStub, type HttpProxy, type Reply } from '../../tests/servers/src/index.ts'

export interface Stores {
  readonly aws: AwsStub
  readonly vault: HttpProxy
  /** What an app needs to reach them. */
  readonly env: Readonly<Record<string, string>>
  readonly stop: () => Promise<void>
}

export async function startStores(): Promise<Stores> {
  const aws = await startAwsStub(awsSecret('FINCHAT_TOKEN', 'of aws'))
  const vault = await startHttpProxy(undefined, { plan: ({ path }) => vaultAnswer(path) })
  const env = { AWS_STUB: aws.url, VAULT_STUB: vault.url, ...credentials, FINCHAT_TOKEN: 'of env' }
  return { aws, vault, env, stop: async () => void (await Promise.all([aws.stop(), vault.stop()])) }
}

/** AWS's own sample. */
export const credentials = { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'of-no-account' }

/** The answer to a `GetSecretValue`. */
export function awsSecret(name: string, value: string): { readonly json: object } {
  const arn = `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${name}-AbCdEf`
  return { json: { Name: name, ARN: arn, VersionId: 'id', VersionStages: ['AWSCURRENT'], SecretString: value } }
}

function vaultAnswer(path: string): Reply {
  if (path.startsWith('/v1/sys/internal/ui/mounts')) {
    return { body: { data: { type: 'kv', path: 'secret/', options: { version: '2' } } } }
  }
  if (!path.startsWith('/v1/secret/data/FINCHAT_TOKEN')) return { status: 404, body: { errors: [] } }
  const metadata = { version: 1, created_time: '2026-01-01T00:00:00Z', deletion_time: '', destroyed: false }
  return { body: { data: { data: { value: 'of vault' }, metadata } } }
}
