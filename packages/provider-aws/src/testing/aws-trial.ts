import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { awsCall as callAws, testAccount } from '@finchat/secrets-test-servers'
import { type StubbedMoto, useMoto } from '@finchat/secrets-test-servers/vitest'
import { afterEach } from 'vitest'
import { type AwsProvider, awsProvider } from '../aws-provider.ts'
import type { AwsProviderOptions } from '../model/options.ts'

export const account: string = testAccount.account
export const region: string = testAccount.region
export const credentials: typeof testAccount.credentials = testAccount.credentials
export const context: CallContext = { signal: new AbortController().signal }

/** A provider for this endpoint, with fixed credentials. */
export function providerAt(endpoint: string, options: AwsProviderOptions = {}): AwsProvider {
  return awsProvider({ region, endpoint, ...options, clientConfig: { credentials, ...options.clientConfig } })
}

export interface AwsTrial extends StubbedMoto {
  /** A provider that asks the stub; closed after the test. */
  readonly provider: (options?: AwsProviderOptions) => AwsProvider
}

/** One moto for the tests of a file, emptied before each test, with a stub before it. */
export function useAws(): AwsTrial {
  const servers = useMoto()
  const opened: AwsProvider[] = []
  afterEach(() => Promise.all(opened.splice(0).map((provider) => provider.close())))
  return {
    ...servers,
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

interface AwsAnswer {
  readonly ARN?: string
  readonly VersionId?: string
  readonly VersionIdsToStages?: Readonly<Record<string, readonly string[]>>
}

export function awsCall(url: string, action: string, input: object, at: string = region): Promise<AwsAnswer> {
  return callAws({ url, service: 'secretsmanager', region: at }, action, input)
}
