// Stand-ins for AWS Secrets Manager and Vault on ports of this machine. They answer the calls that
// reads and `checkHealth` need; a service names its real stores instead.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createSecretsManager } from '@finchat/secrets-core'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { tokenAuth } from '@finchat/secrets-provider-vault'
import type { Stores } from './manager.ts'
import { type FailingStores, sharedNames } from './stores.ts'

interface Reply {
  readonly status: number
  readonly body: object
}

interface StandIn {
  readonly url: string
  readonly stop: () => Promise<void>
}

const created = { version: 1, created_time: '2026-01-01T00:00:00Z', deletion_time: '', destroyed: false }
const kvMounts = { secret: { 'secret/': { type: 'kv', options: { version: '2' } } } }
const ok = (body: object): Reply => ({ status: 200, body })

export async function startStandIns(): Promise<FailingStores> {
  let frozen = Promise.withResolvers<void>()
  let isSealed = false
  frozen.resolve()
  const aws = await listen(async (request, body) => {
    await frozen.promise
    return awsReply(request, body)
  })
  const vault = await listen(async ({ url = '' }) => (isSealed ? { status: 503, body: { errors: ['Vault is sealed'] } } : vaultReply(url)))
  const folder = mkdtempSync(join(tmpdir(), 'finchat-chain-'))
  const settings: Stores = {
    aws: { region: 'eu-west-1', endpoint: aws.url, clientConfig: { credentials: { accessKeyId: 'example', secretAccessKey: 'example' } } },
    vault: { url: vault.url, auth: tokenAuth('example') },
    local: { path: join(folder, 'secrets.db'), key: generateKey() },
    env: Object.fromEntries([...sharedNames, 'only/env'].map((name) => [name, 'env'])),
  }
  await fillLocalStore(settings.local)
  return {
    settings,
    freezeAws: () => void (frozen = Promise.withResolvers()),
    sealVault: async () => void (isSealed = true),
    mend: async () => {
      isSealed = false
      frozen.resolve()
    },
    stop: async () => {
      await Promise.all([aws.stop(), vault.stop()])
      rmSync(folder, { recursive: true })
    },
  }
}

type Answer = (request: IncomingMessage, body: string) => Promise<Reply>

async function listen(answer: Answer): Promise<StandIn> {
  const server = createServer((request, response) => {
    const reply = text(request).then((body) => answer(request, body))
    const send = ({ status, body }: Reply): unknown =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    reply.then(send, () => response.destroy()) // the caller may have given up
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on a port, not on a pipe
  const stop = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${port}`, stop }
}

function awsReply({ headers }: IncomingMessage, body: string): Reply {
  if (String(headers['x-amz-target']).endsWith('.GetRandomPassword')) return ok({ RandomPassword: 'an example' })
  const { SecretId: name }: { SecretId?: unknown } = JSON.parse(body)
  if (!isHeld(name, 'aws')) return { status: 400, body: { __type: 'ResourceNotFoundException', Message: 'no such secret' } }
  return ok({
    ARN: `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${name}-AbCdEf`,
    Name: name,
    VersionId: 'an-example-of-a-version-with-32-characters',
    VersionStages: ['AWSCURRENT'],
    CreatedDate: 1_767_225_600,
    SecretString: 'aws',
  })
}

function vaultReply(url: string): Reply {
  const path = url.replace(/^\/v1\//, '')
  if (path === 'sys/internal/ui/mounts') return ok({ request_id: 'example', data: kvMounts })
  if (path === 'auth/token/lookup-self') return ok({ request_id: 'example', data: { ttl: 0, renewable: false, type: 'service' } })
  const isFound = isHeld(path.replace(/^secret\/data\//, ''), 'vault')
  return isFound
    ? ok({ request_id: 'example', data: { data: { value: 'vault' }, metadata: created } })
    : { status: 404, body: { errors: [] } }
}

function isHeld(name: unknown, store: string): name is string {
  return typeof name === 'string' && (sharedNames.includes(name) || name === `only/${store}`)
}

async function fillLocalStore(options: Stores['local']): Promise<void> {
  const secrets = createSecretsManager({ providers: [localProvider(options)] })
  for (const name of [...sharedNames, 'only/local']) await secrets.storeSecret(name, 'local')
  await secrets.close()
}
