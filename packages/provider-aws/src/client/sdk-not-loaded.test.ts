import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { context, failure } from '../testing/aws-trial.ts'

const sdk = '@aws-sdk/client-secrets-manager'
afterEach(() => vi.doUnmock(sdk))

const own = { send: async () => ({}), config: { credentials: async () => ({}), region: async () => 'eu-west-1' } }
const client = own as unknown as SecretsManagerClient // as much of it as the provider looks at

describe('an AWS SDK that a bundle lost', () => {
  it.each<[string, () => object]>([
    [
      'as esbuild does',
      () => {
        throw new Error('Dynamic require of "node:https" is not supported')
      },
    ],
    ['as rollup does, whose entry waits before it has run', () => ({ SecretsManagerClient: undefined })],
  ])('%s, is CONFIGURATION with a remedy', async (_, bundle) => {
    vi.resetModules()
    vi.doMock(sdk, bundle)
    const { awsProvider } = await import('../aws-provider.ts')
    for (const options of [{ region: 'eu-west-1' }, { client }]) {
      expect(await failure(awsProvider(options).get('prod/db', context))).toMatchObject({
        code: 'CONFIGURATION',
        problem: 'the AWS SDK cannot be loaded',
        remedy: expect.stringMatching(/^install @aws-sdk.*external/),
      })
    }
  })
})
