import { join } from 'node:path'
import { restrictedModes, runModule, startAwsStub } from '@finchat/secrets-test-servers'
import { expect, it, onTestFinished, vi } from 'vitest'

// Each starts a process, which takes its time where others run too.
vi.setConfig({ testTimeout: 120_000 })

const cwd = import.meta.dirname

/** Prints whether the SDK is loaded before the first call, and what that reads. */
const reads = `
  import { createRequire } from 'node:module'
  import { ssmProvider } from '@finchat/secrets-provider-aws-ssm'
  const [endpoint] = process.argv.slice(1)
  const ssm = ssmProvider({ region: 'eu-west-1', endpoint })
  ssm.locate('db')
  const { cache } = createRequire(process.cwd() + '/index.js')
  const isLoaded = () => Object.keys(cache).some((path) => path.includes('client-ssm'))
  const before = isLoaded()
  const answer = await ssm.get('db', { signal: new AbortController().signal }).then(({ value }) => value, ({ code }) => code)
  console.log(before, answer, isLoaded())
  await ssm.close()`

it.each([['as usual', []], ...restrictedModes(join(cwd, '../../..')).slice(0, 2)] as const)(
  'a provider works %s, and loads the SDK at its first call',
  async (_, flags) => {
    const stub = await startAwsStub({ json: { Parameter: { Name: 'db', Value: 'hunter2', Version: 1 } } })
    onTestFinished(stub.stop)
    const env = { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'of-no-account' }
    expect(await runModule(reads, { cwd, flags, args: [stub.url], env })).toBe('false hunter2 true\n')
  },
)
