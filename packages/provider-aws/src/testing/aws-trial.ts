import { type CallContext, SecretsError } from '@finchat/secrets-core'
import type { Moto } from '@finchat/secrets-test-servers'
import { httpCall, startAwsStub, startMoto } from '@finchat/secrets-test-servers'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { type AwsProvider, awsProvider } from '../aws-provider.ts'
import type { AwsProviderOptions } from '../model/options.ts'

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
export function providerAt(endpoint: string, options: AwsProviderOptions = {}): AwsProvider {
  return awsProvider({ region, endpoint, ...options, clientConfig: { credentials, ...options.clientConfig } })
}

type Stub = Awaited<ReturnType<typeof startAwsStub>>

export interface AwsTrial {
  readonly moto: () => Moto
  /** Stands before moto, records requests, and answers by itself if a test says so. */
  readonly stub: () => Stub
  /** A provider that asks the stub; closed after the test. */
  readonly provider: (options?: AwsProviderOptions) => AwsProvider
}

/** One moto for the tests of a file, emptied before each test, with a stub before it. */
export function useAws(): AwsTrial {
  let moto: Moto | undefined
  let stub: Stub | undefined
  const opened: AwsProvider[] = []
  beforeAll(async () => void (moto = await startMoto()))
  afterAll(() => moto?.stop())
  beforeEach(async () => {
    await moto?.reset()
    stub = await startAwsStub('pass', moto && { target: moto.url })
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((provider) => provider.close()))
    await stub?.stop()
  })
  return {
    moto: () => started(moto),
    stub: () => started(stub),
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

interface AwsAnswer {
  readonly ARN?: string
  readonly VersionId?: string
  readonly VersionIdsToStages?: Readonly<Record<string, readonly string[]>>
}

/** Calls moto without our provider or the SDK, as the console would. */
export async function awsCall(url: string, action: string, input: object, at: string = region): Promise<AwsAnswer> {
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `secretsmanager.${action}`,
    authorization: `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/${at}/secretsmanager/aws4_request, SignedHeaders=host, Signature=0`,
  }
  const { status, text } = await httpCall(url, { method: 'POST', headers, body: input })
  if (status !== 200) throw new Error(`${action}: ${status} ${text}`)
  return JSON.parse(text) as AwsAnswer // of the actions that tests call
}
