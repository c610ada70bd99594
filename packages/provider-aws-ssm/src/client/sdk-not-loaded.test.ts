import { afterEach, expect, it, vi } from 'vitest'
import { context, failure } from '../testing/ssm-trial.ts'

const sdk = '@aws-sdk/client-ssm'
afterEach(() => vi.doUnmock(sdk))

it.each<[string, () => object]>([
  [
    'as esbuild does',
    () => {
      throw new Error('Dynamic require of "node:https" is not supported')
    },
  ],
  ['as rollup does, whose entry waits before it has run', () => ({ SSMClient: undefined })],
])('an AWS SDK that a bundle lost, %s, is CONFIGURATION with a remedy', async (_, bundle) => {
  vi.resetModules()
  vi.doMock(sdk, bundle)
  const { ssmProvider } = await import('../ssm-provider.ts')
  expect(await failure(ssmProvider({ region: 'eu-west-1' }).get('/prod/db', context))).toMatchObject({
    code: 'CONFIGURATION',
    problem: 'the AWS SDK cannot be loaded',
    remedy: expect.stringMatching(/^install @aws-sdk.*external/),
  })
})
