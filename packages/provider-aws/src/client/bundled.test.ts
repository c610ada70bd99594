import { afterEach, expect, test, vi } from 'vitest'
import { context, failure } from '../testing/aws-trial.ts'

const sdk = '@aws-sdk/client-secrets-manager'
afterEach(() => vi.doUnmock(sdk))

const esbuild = (): never => {
  throw new Error('Dynamic require of "node:https" is not supported')
}
/** With `inlineDynamicImports`, behind an entry that awaits it. */
const rollup = (): object => ({ SecretsManagerClient: undefined })

test.each([esbuild, rollup])('an SDK that %o cannot bundle is CONFIGURATION, and names a remedy', async (bundle) => {
  vi.resetModules()
  vi.doMock(sdk, bundle)
  const { awsProvider } = await import('../aws-provider.ts')
  const error = await failure(awsProvider({ region: 'eu-west-1' }).get('prod/db', context))
  expect(error).toMatchObject({ code: 'CONFIGURATION', remedy: expect.stringMatching(/^install @aws-sdk.*external$/) })
})
