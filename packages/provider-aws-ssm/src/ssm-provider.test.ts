import { type SecretProvider, SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { type ProviderManifest } from '@finchat/secrets-core/provider'
import { type ProviderHarness, type Repair, type TestFunction, testSecretProvider } from '@finchat/secrets-testkit'
import { type AwsReply, type Moto, startAwsStub } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { ssmManifest } from './model/limits.ts'
import type { SsmProvider } from './ssm-provider.ts'
import { providerAt, seed, startSsm } from './testing/ssm-trial.ts'

describeWithServer('moto', 'the SSM provider keeps the contract', () => {
  let moto: Moto
  beforeAll(async () => void (moto = await startSsm()))
  afterAll(() => moto.stop())

  /** An endpoint that hands on to moto until it is broken; moto itself is stopped by signal. */
  async function createHarness(view: (provider: SsmProvider) => SecretProvider): Promise<ProviderHarness> {
    await moto.reset()
    const endpoint = await startAwsStub('pass', { target: moto.url })
    const answering = (reply: AwsReply) => async (): Promise<Repair> => {
      endpoint.plan(reply)
      return async () => endpoint.plan('pass')
    }
    return {
      provider: view(providerAt(endpoint.url, { clientConfig: { maxAttempts: 1 } })), // what the SDK repeats is tested elsewhere
      seed: (path, value) => seed(moto.url, path, String(value)),
      breakStore: {
        denied: answering({ error: 'AccessDeniedException' }),
        unauthenticated: answering({ error: 'UnrecognizedClientException' }),
        unreachable: answering('reset'),
        throttled: answering({ error: 'ThrottlingException' }),
        failing: answering({ error: 'InternalServerError', status: 500 }),
        lost: async () => {
          endpoint.plan(({ action }) => (/^(Get|Describe|List)/.test(action) ? 'pass' : { pass: 'reset' }))
          return async () => endpoint.plan('pass')
        },
        garbage: answering({ body: '<html>', headers: { 'content-type': 'text/html' } }),
        hung: async () => {
          moto.signal('SIGSTOP')
          return async () => moto.signal('SIGCONT')
        },
      },
      requests: () => endpoint.requests().length,
      path: (n) => `/suite/app-${n}`,
      close: endpoint.stop,
    }
  }

  const cannotHappen = { withdrawn: 'Parameter Store forgets what it deletes' }

  // AWS cannot compare numbers: in the suite writes have none. put.test.ts proves the numbers.
  describe('of reads with versions', () => {
    const supports = ssmManifest.supports.filter((member) => member !== 'put' && member !== 'delete')
    const manifest: ProviderManifest = { ...ssmManifest, supports }
    testSecretProvider({
      test: rulesOf(test, (rule) => !isOfWritesToo.test(rule)),
      manifest,
      cannotHappen,
      createHarness: () => createHarness(withoutWrites),
    })
  })

  describe('of writes without versions', () => {
    const { numbering: _, ...limits } = ssmManifest
    const manifest: ProviderManifest = { ...limits, supports: ['getMany', 'describe', 'list', 'put', 'tag', 'checkHealth'] }
    testSecretProvider({
      test: rulesOf(test, (rule) => isOfWritesToo.test(rule) || /^(writing|tagging|failing|aborting):/.test(rule)),
      manifest,
      cannotHappen,
      createHarness: () => createHarness(withoutVersions),
    })
  })
})

/** Registers these rules of the suite only. */
function rulesOf(register: TestFunction, isIn: (rule: string) => boolean): TestFunction {
  return (rule, prove) => (isIn(rule) ? register(rule, prove) : undefined)
}

/** Rules that the second run proves of reads and writes together. */
const isOfWritesToo = /^(values: .* exactly|names: .* (refused before any call|read back exactly))$/

function withoutWrites(provider: SsmProvider): SecretProvider {
  const { put: _, delete: __, ...reads } = provider
  return reads
}

function withoutVersions(provider: SsmProvider): SecretProvider {
  const { getVersion: _, probe: __, delete: ___, ...rest } = provider
  return {
    ...rest,
    get: async (path, context) => unnumbered(await provider.get(path, context)),
    getMany: async (paths, context) =>
      (await provider.getMany(paths, context)).map((each) =>
        each.status === 'fulfilled' ? { ...each, value: unnumbered(each.value) } : each,
      ),
    describe: async (path, context) => {
      const found = await provider.describe(path, context)
      return found && { ...found, version: undefined, versions: undefined }
    },
    put: async (path, secret, context) => {
      if (secret.ifCurrent !== undefined) throw new SecretsError('UNSUPPORTED', 'proved in put.test.ts')
      await provider.put(path, secret, context)
      return {}
    },
  }
}

function unnumbered(secret: StoredSecret | undefined): StoredSecret | undefined {
  return secret && { ...secret, version: undefined }
}
