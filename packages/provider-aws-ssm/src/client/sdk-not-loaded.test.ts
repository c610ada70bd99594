import type { SSMClient } from '@aws-sdk/client-ssm'
import { runModule } from '@finchat/secrets-test-servers'
import { describe, expect, it } from 'vitest'
import { ssmProvider } from '../ssm-provider.ts'
import { context, failure, region } from '../testing/ssm-trial.ts'

const own = { send: async () => ({}), config: { credentials: async () => ({}), region: async () => region } }

const reads = `
  import { registerHooks } from 'node:module'
  const [sdk] = process.argv.slice(1)
  const found = { url: 'data:text/javascript,' + sdk, shortCircuit: true }
  registerHooks({ resolve: (name, context, next) => (name === '@aws-sdk/client-ssm' ? found : next(name, context)) })
  const { ssmProvider } = await import('@finchat/secrets-provider-aws-ssm')
  const client = { send: async () => ({}), config: { credentials: async () => ({}), region: async () => 'eu-west-1' } }
  const read = (options) => ssmProvider(options).get('/prod/db', { signal: new AbortController().signal })
  const outcomes = await Promise.allSettled([{ region: 'eu-west-1' }, { client }].map(read))
  console.log(JSON.stringify(outcomes.map(({ reason: { code, problem, remedy } }) => ({ code, problem, remedy }))))`

/** The errors of a process that finds this code in place of the SDK, without a `client` and with one. */
async function errorsWith(sdk: string): Promise<unknown> {
  return JSON.parse(await runModule(reads, { cwd: import.meta.dirname, args: [encodeURIComponent(sdk)] }))
}

const notInstalled =
  "throw Object.assign(Error(`Cannot find package '@aws-sdk/client-ssm' imported from /app`), { code: 'ERR_MODULE_NOT_FOUND' })"

describe('an AWS SDK that cannot be loaded', () => {
  it.each<[string, string, string, RegExp]>([
    [
      'as esbuild bundles it',
      'throw Error(\'Dynamic require of "node:https" is not supported\')',
      "the bundle's `require` cannot load node:https",
      /mainFields.*mark @aws-sdk\/client-ssm external/,
    ],
    ['as rollup bundles it, whose entry waits before it has run', 'export let x', 'in this bundle it has not run yet', /several files/],
    ['as a foreign SDK that fails', "throw Error('hunter2')", 'it is there, but failed', /prints why/],
    ['that lacks a file', "import 'file:///not/there.js'", 'a module that it needs is missing', /deploy every file/],
    ['that is not installed', notInstalled, 'it is not installed', /^install @aws-sdk\/client-ssm/],
  ])('%s, is CONFIGURATION with the reason and a remedy', async (_, sdk, reason, remedy) => {
    const problem = `the AWS SDK cannot be loaded: ${reason}`
    const refused = { code: 'CONFIGURATION', problem, remedy: expect.stringMatching(remedy) }
    expect(await errorsWith(sdk)).toEqual([refused, refused])
  })
})

describe('a part of the AWS SDK that is loaded during a call', () => {
  const absent = (): Promise<never> =>
    Promise.reject(Object.assign(new Error("Cannot find package '@aws-sdk/credential-provider-sso'"), { code: 'ERR_MODULE_NOT_FOUND' }))
  const credentials = async (): Promise<object> => ({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'of-no-account' })

  it.each([
    ['the credentials', { ...own, config: { ...own.config, credentials: absent } }],
    ['the call', { ...own, config: { ...own.config, credentials }, send: absent }],
  ])('is CONFIGURATION where %s cannot load it', async (_, given) => {
    const client = given as unknown as SSMClient // as much of it as the provider looks at
    expect(await failure(ssmProvider({ client }).get('/prod/db', context))).toMatchObject({
      code: 'CONFIGURATION',
      problem: 'the AWS SDK cannot be loaded: a module that it needs is missing',
    })
  })
})
