import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { describe, expect, it, vi } from 'vitest'
import { awsProvider } from '../aws-provider.ts'

/** As in a bundle whose entry waits before the SDK has run. */
vi.mock('@aws-sdk/client-secrets-manager', () => ({ SecretsManagerClient: undefined }))

const own = { send: async () => ({}), config: { credentials: async () => ({}), region: async () => 'eu-west-1' } }
const client = own as unknown as SecretsManagerClient // as much of it as the provider looks at

describe('the AWS SDK, where it has not run', () => {
  it.each([
    ['that the provider creates', { region: 'eu-west-1' }],
    ['that the application created', { client }],
  ])('is CONFIGURATION for a client %s', async (_, options) => {
    await expect(awsProvider(options).get('token', { signal: new AbortController().signal })).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringMatching(/^the AWS SDK cannot be loaded \(/),
    })
  })
})
