import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { httpCall, type Moto, startAwsStub, startMoto } from '@finchat/secrets-test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, onTestFinished } from 'vitest'
import type { SsmProviderOptions } from '../model/options.ts'
import { type SsmProvider, ssmProvider } from '../ssm-provider.ts'

export const region = 'eu-west-1'
/** moto's account. */
export const account = '123456789012'
export const context: CallContext = { signal: new AbortController().signal }

export const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'c4n4ry-of-the-secret-key-Zq9',
  sessionToken: 'c4n4ry-of-the-token-Bk2',
}

/** A provider for this endpoint, with fixed credentials. */
export function providerAt(endpoint: string, options: SsmProviderOptions = {}): SsmProvider {
  return ssmProvider({ region, endpoint, ...options, clientConfig: { credentials, ...options.clientConfig } })
}

type Stub = Awaited<ReturnType<typeof startAwsStub>>
export type Plan = Parameters<typeof startAwsStub>[0]

/** A stub that answers by plan, and a provider that asks it once; both end with the test. */
export async function stubbed(plan: Plan, options: SsmProviderOptions = {}): Promise<{ provider: SsmProvider; stub: Stub }> {
  const stub = await startAwsStub(plan)
  const provider = providerAt(stub.url, { clientConfig: { maxAttempts: 1 }, ...options })
  onTestFinished(async () => {
    await provider.close()
    await stub.stop()
  })
  return { provider, stub }
}

export interface SsmTrial {
  readonly moto: () => Moto
  /** Stands before moto, records requests, and answers by itself if a test says so. */
  readonly stub: () => Stub
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
  let moto: Moto | undefined
  let stub: Stub | undefined
  let seen = 0
  const opened: SsmProvider[] = []
  beforeAll(async () => void (moto = await startSsm()))
  afterAll(() => moto?.stop())
  beforeEach(async () => {
    await moto?.reset()
    stub = await startAwsStub('pass', moto && { target: moto.url })
    seen = 0
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((provider) => provider.close()))
    await stub?.stop()
  })
  return {
    moto: () => started(moto),
    stub: () => started(stub),
    asked: () => {
      const actions = started(stub)
        .requests()
        .slice(seen)
        .map(({ action }) => action)
      seen += actions.length
      return actions
    },
    provider: (options) => {
      const provider = providerAt(started(stub).url, options)
      opened.push(provider)
      return provider
    },
  }
}

function started<T>(server: T | undefined): T {
  if (server === undefined) throw new Error('it is started before a test')
  return server
}

/** The error of a rejected call, which must be a `SecretsError`. */
export async function failure(call: Promise<unknown>): Promise<SecretsError> {
  const [settled] = await Promise.allSettled([call])
  if (settled.status === 'fulfilled') throw new Error('the call resolves')
  if (SecretsError.isInstance(settled.reason)) return settled.reason
  throw new Error('the call rejects with an error that is not ours', { cause: settled.reason })
}

/** Calls moto without our provider or the SDK, as the console would. */
export async function awsCall(url: string, action: string, input: object): Promise<Readonly<Record<string, unknown>>> {
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `AmazonSSM.${action}`,
    authorization: `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/${region}/ssm/aws4_request, SignedHeaders=host, Signature=0`,
  }
  const { status, text } = await httpCall(url, { method: 'POST', headers, body: input })
  if (status !== 200) throw new Error(`${action}: ${status} ${text}`)
  return JSON.parse(text) as Readonly<Record<string, unknown>> // the protocol's answers are objects
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
