import { type ProviderHarness, type Repair, testSecretProvider } from '@finchat/secrets-testkit'
import { type AwsReply, type Moto, startAwsStub } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, test } from 'vitest'
import { ssmManifest } from './model/limits.ts'
import { providerAt, seed, startSsm } from './testing/ssm-trial.ts'

describeWithServer('moto', 'the SSM provider keeps the contract', () => {
  let moto: Moto
  beforeAll(async () => void (moto = await startSsm()))
  afterAll(() => moto.stop())

  /** An endpoint that hands on to moto until it is broken; moto itself is stopped by signal. */
  async function createHarness(): Promise<ProviderHarness> {
    await moto.reset()
    const endpoint = await startAwsStub('pass', { target: moto.url })
    const answering = (reply: AwsReply) => async (): Promise<Repair> => {
      endpoint.plan(reply)
      return async () => endpoint.plan('pass')
    }
    const unanswered = (pass: 'reset' | 'garble') => async (): Promise<Repair> => {
      endpoint.plan(({ action }) => (/^(Get|Describe|List)/.test(action) ? 'pass' : { pass }))
      return async () => endpoint.plan('pass')
    }
    return {
      provider: providerAt(endpoint.url, { clientConfig: { maxAttempts: 1 } }), // what the SDK repeats is tested elsewhere
      seed: (path, value) => seed(moto.url, path, String(value)),
      breakStore: {
        denied: answering({ error: 'AccessDeniedException' }),
        unauthenticated: answering({ error: 'UnrecognizedClientException' }),
        unreachable: answering('reset'),
        throttled: answering({ error: 'ThrottlingException' }),
        failing: answering({ error: 'InternalServerError', status: 500 }),
        lost: unanswered('reset'),
        garbled: unanswered('garble'),
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
  testSecretProvider({ test, manifest: ssmManifest, createHarness, cannotHappen })
})
