import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CacheOptions, SecretsManager } from '@finchat/secrets-core'
import { openSecrets, type Stores } from '@finchat/secrets-example-fallback-chain/manager'
import { awsProvider } from '@finchat/secrets-provider-aws'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { appRole, vaultProvider } from '@finchat/secrets-provider-vault'
import {
  type AwsStub,
  type Moto,
  type OpenBao,
  startAwsStub,
  startMoto,
  startOpenBao,
  startTcpProxy,
  type TcpProxy,
} from '@finchat/secrets-test-servers'

/** AWS and Vault as real servers, and the two stores of this machine. */
export interface LiveStores {
  readonly settings: Stores
  readonly aws: {
    readonly port: TcpProxy
    /** How many requests have come to AWS so far. */
    readonly requests: () => number
    /** What AWS does with requests from now on; `'pass'`: what it should. */
    readonly plan: AwsStub['plan']
    /** `SIGSTOP` freezes the server, `SIGCONT` wakes it. */
    readonly signal: Moto['signal']
  }
  readonly vault: OpenBao
  /** What the service's policy in Vault allows it. */
  readonly allow: (...capabilities: readonly string[]) => Promise<void>
  /** A manager as the service opens it, with nothing in its memory. */
  readonly open: (otherwise?: Partial<Stores>, cache?: CacheOptions) => SecretsManager
  /** Ends every outage. */
  readonly mend: () => Promise<void>
  readonly stop: () => Promise<void>
}

const everything = ['create', 'read', 'update', 'delete']

/**
 * All four stores hold these names. The value is the name of the store, which shows who answered.
 */
export const sharedNames: readonly string[] = Array.from({ length: 20 }, (_, n) => `shared/${n}`)

export async function startLiveStores(): Promise<LiveStores> {
  const [moto, bao] = await Promise.all([startMoto(), startOpenBao()])
  const folder = mkdtempSync(join(tmpdir(), 'finchat-chain-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true })) // also without a call of stop()
  const awsStub = await startAwsStub('pass', { target: moto.url })
  const awsPort = await startTcpProxy(awsStub.url)
  const settings: Stores = {
    aws: awsAt(awsPort.url),
    vault: { url: bao.url, auth: await serviceRole(bao) },
    local: { path: join(folder, 'secrets.db'), key: generateKey() },
    env: Object.fromEntries([...sharedNames, 'only/env'].map((name) => [name, 'env'])),
  }
  const allow = (...capabilities: readonly string[]): Promise<void> => writePolicy(bao, capabilities)
  await allow(...everything)
  await seed(settings)
  const mend = async (): Promise<void> => {
    awsStub.plan('pass')
    moto.signal('SIGCONT')
    bao.signal('SIGCONT')
    await awsPort.accept()
    await bao.api('PUT', 'sys/unseal', { key: bao.unsealKey })
    await allow(...everything)
  }
  const stop = async (): Promise<void> => {
    for (const each of [awsPort, awsStub, moto, bao]) await each.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return {
    settings,
    aws: { port: awsPort, requests: () => awsStub.requests().length, plan: awsStub.plan, signal: moto.signal },
    vault: bao,
    allow,
    open: (otherwise, cache) => openSecrets({ ...settings, ...otherwise }, cache),
    mend,
    stop,
  }
}

export function awsAt(endpoint: string): Stores['aws'] {
  return {
    region: 'eu-west-1',
    endpoint,
    clientConfig: { credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'example' } },
  }
}

/** The role of AppRole that the service logs in with. */
async function serviceRole(bao: OpenBao): Promise<Stores['vault']['auth']> {
  const role = 'auth/approle/role/service'
  await bao.api('POST', 'sys/auth/approle', { type: 'approle' })
  await bao.api('POST', role, { token_policies: 'service', token_ttl: '1h' })
  const { data: id } = await bao.api<{ data: { role_id: string } }>('GET', `${role}/role-id`)
  const { data: secret } = await bao.api<{ data: { secret_id: string } }>('POST', `${role}/secret-id`)
  return appRole({ roleId: id.role_id, secretId: secret.secret_id })
}

async function writePolicy(bao: OpenBao, capabilities: readonly string[]): Promise<void> {
  await bao.api('PUT', 'sys/policies/acl/service', { policy: `path "secret/*" { capabilities = ${JSON.stringify(capabilities)} }` })
}

/** Not through the manager: it refuses to write what an earlier provider would hide. */
async function seed({ aws, vault, local }: Stores): Promise<void> {
  const context = { signal: new AbortController().signal }
  const timeoutMs = 60_000 // an emulator on a loaded machine
  const providers = [awsProvider({ ...aws, timeoutMs }), vaultProvider({ ...vault, timeoutMs }), localProvider(local)]
  const seedOne = async (provider: (typeof providers)[number]): Promise<void> => {
    const { name: value } = provider
    await Promise.all([...sharedNames, `only/${value}`].map((path) => provider.put(path, { value }, context)))
    await provider.close(context)
  }
  await Promise.all(providers.map(seedOne))
}
