import { type Repair, type ProviderHarness, testSecretProvider } from '@finchat/secrets-testkit'
import { type AwsReply, type Moto, startAwsStub, startMoto } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, test } from 'vitest'
import { awsManifest } from './model/limits.ts'
import { context, providerAt } from './testing/aws-trial.ts'

describeWithServer('moto', 'the AWS provider keeps the contract', () => {
  let moto: Moto
  beforeAll(async () => void (moto = await startMoto()))
  afterAll(() => moto.stop())

  /** An endpoint that hands on to moto until it is broken; moto itself is stopped by signal. */
  async function createHarness(): Promise<ProviderHarness> {
    await moto.reset()
    const endpoint = await startAwsStub('pass', { target: moto.url })
    const other = providerAt(moto.url) // as another process would
    const answering = (reply: AwsReply) => async (): Promise<Repair> => {
      endpoint.plan(reply)
      return async () => endpoint.plan('pass')
    }
    const unanswered = (pass: 'reset' | 'garble') => async (): Promise<Repair> => {
      endpoint.plan(({ action }) => (/^(Get|Describe|List|BatchGet)/.test(action) ? 'pass' : { pass }))
      return async () => endpoint.plan('pass')
    }
    return {
      provider: providerAt(endpoint.url, { clientConfig: { maxAttempts: 1 } }), // what the SDK repeats is tested elsewhere
      seed: async (path, value) => void (await other.put(path, { value }, context)),
      breakStore: {
        denied: answering({ error: 'AccessDeniedException' }),
        unauthenticated: answering({ error: 'UnrecognizedClientException' }),
        unreachable: answering('reset'),
        throttled: answering({ error: 'ThrottlingException' }),
        failing: answering({ error: 'InternalServiceError' }),
        lost: unanswered('reset'),
        garbled: unanswered('garble'),
        garbage: answering({ body: '<html>', headers: { 'content-type': 'text/html' } }),
        hung: async () => {
          moto.signal('SIGSTOP')
          return async () => moto.signal('SIGCONT')
        },
      },
      requests: () => endpoint.requests().length,
      secretRequests: () => endpoint.requests().filter(({ action }) => action !== 'GetRandomPassword').length,
      close: async () => {
        await other.close()
        await endpoint.stop()
      },
    }
  }

  testSecretProvider({ test, manifest: awsManifest, createHarness })
})
