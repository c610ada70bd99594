import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { type AwsStub, awsCall as callAws, type Moto, startAwsStub, startMoto, testAccount } from '@finchat/secrets-test-servers'
import { type StubbedMoto, useMoto } from '@finchat/secrets-test-servers/vitest'
import { afterEach, beforeEach, onTestFinished } from 'vitest'
import type { SsmProviderOptions } from '../model/options.ts'
import { type SsmProvider, ssmProvider } from '../ssm-provider.ts'

export const account: string = testAccount.account
export const region: string = testAccount.region
export const credentials: typeof testAccount.credentials = testAccount.credentials
export const context: CallContext = { signal: new AbortController().signal }

/** A provider for this endpoint, with fixed credentials. */
export function providerAt(endpoint: string, options: SsmProviderOptions = {}): SsmProvider {
  return ssmProvider({ region, endpoint, ...options, clientConfig: { credentials, ...options.clientConfig } })
}

export type Plan = Parameters<typeof startAwsStub>[0]

/** A stub that answers by plan, and a provider that asks it once; both end with the test. */
export async function stubbed(plan: Plan, options: SsmProviderOptions = {}): Promise<{ provider: SsmProvider; stub: AwsStub }> {
  const stub = await startAwsStub(plan)
  const provider = providerAt(stub.url, { clientConfig: { maxAttempts: 1 }, ...options })
  onTestFinished(async () => {
    await provider.close()
    await stub.stop()
  })
  return { provider, stub }
}

export interface SsmTrial extends StubbedMoto {
  /** The actions that were asked since the last look. */
  readonly asked: () => string[]
  /** A provider that asks the stub; closed after the test. */
  readonly provider: (options?: SsmProviderOptions) => SsmProvider
}

/** moto loads its Parameter Store at the first call, which takes longer than an attempt may. */
export async function startSsm(): Promise<Moto> {
  const moto = await startMoto()
  await awsCall(moto.url, 'DescribeParameters', {})
  return moto
}

/** One moto for the tests of a file, emptied before each test, with a stub before it. */
export function useSsm(): SsmTrial {
  const servers = useMoto(startSsm)
  let seen = 0
  const opened: SsmProvider[] = []
  beforeEach(() => void (seen = 0))
  afterEach(() => Promise.all(opened.splice(0).map((provider) => provider.close())))
  return {
    ...servers,
    asked: () => {
      const actions = servers
        .stub()
        .requests()
        .slice(seen)
        .map(({ action }) => action)
      seen += actions.length
      return actions
    },
    provider: (options) => {
      const provider = providerAt(servers.stub().url, options)
      opened.push(provider)
      return provider
    },
  }
}

/** The error of a rejected call, which must be a `SecretsError`. */
export async function failure(call: Promise<unknown>): Promise<SecretsError> {
  const [settled] = await Promise.allSettled([call])
  if (settled.status === 'fulfilled') throw new Error('the call resolves')
  if (SecretsError.isInstance(settled.reason)) return settled.reason
  throw new Error('the call rejects with an error that is not ours', { cause: settled.reason })
}

export function awsCall(url: string, action: string, input: object): Promise<Readonly<Record<string, unknown>>> {
  return callAws({ url, service: 'ssm' }, action, input)
}

/** Makes this the newest version by AWS's own means. */
export async function seed(url: string, name: string, value: string, more: object = {}): Promise<void> {
  await awsCall(url, 'PutParameter', { Name: name, Value: value, Type: 'SecureString', Overwrite: true, ...more })
}

/** Every path of a list. */
export async function listed(provider: SsmProvider, prefix: string): Promise<string[]> {
  const paths: string[] = []
  for await (const { path } of provider.list(prefix, context)) paths.push(path)
  return paths
}
