import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { secretsManagerFromEnv } from '@finchat/secrets-core'
import { expect, onTestFinished, test } from 'vitest'
import { inCluster } from './api/in-cluster.ts'
import { kubernetesFromEnv } from './from-env.ts'
import { checkedOptions, type KubernetesProviderOptions } from './options.ts'
import { canaries, context, failure, providerOf, seed, stubApi } from './testing/kube-harness.ts'

const pod = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '6443' }
const folder = '/var/run/secrets/kubernetes.io/serviceaccount'

test('a pod has its server, token, namespace and authority', () => {
  const { url, token, namespace, tls } = checkedOptions({}, pod)
  expect([url.text, token, namespace, tls]).toEqual([
    'https://10.96.0.1:6443',
    { file: `${folder}/token` },
    { file: `${folder}/namespace` },
    { ca: { file: `${folder}/ca.crt` } },
  ])
  expect(inCluster({ KUBERNETES_SERVICE_HOST: 'fd00::1' })?.url).toBe('https://[fd00::1]:443')
})

test("the pod's token goes to no other server", () => {
  const { token, namespace, tls } = checkedOptions({ url: 'https://kubernetes.example' }, pod)
  expect([token, namespace, tls]).toEqual([undefined, 'default', {}])
})

test('outside a pod the server must be given', () => {
  for (const env of [{}, { KUBERNETES_SERVICE_HOST: '' }]) expect(() => checkedOptions({}, env)).toThrow('runs in no pod')
})

test.each([
  [{ url: 'http://kubernetes.example' }, 'plain http to another machine'],
  [{ url: 'kubernetes.example' }, 'is not the address of a Kubernetes API server'],
  [{ url: 'https://k', namespace: 'No' }, '`namespace` is malformed'],
  [{ url: 'https://k', cluster: '' }, '`cluster` is empty'],
  [{ url: 'https://k', timeoutMs: 0 }, 'timeoutMs'],
  [{ url: 'https://k', token: 7 }, '`token` is no credential'],
  [{ url: 'http://127.0.0.1', tls: {} }, '`tls` is given, but `url` is http'],
  [{ url: 'https://k', tls: { cert: '-----BEGIN' } }, 'only one of cert and key'],
  [{ server: 'https://k' }, 'the option "server" is not known'],
])('%j is refused', (options, problem) => {
  expect(() => checkedOptions(options as KubernetesProviderOptions, {})).toThrow(problem)
})

test('a fleet shares answers only of a cluster that has a name', () => {
  const sharedAs = (options: KubernetesProviderOptions) => checkedOptions({ url: 'https://k', ...options }, {}).sharedAs
  expect([sharedAs({ namespace: 'pay' }), sharedAs({ cluster: 'prod' }), sharedAs({ cluster: 'prod', namespace: 'pay' })]).toEqual([
    undefined,
    undefined,
    'kubernetes prod pay',
  ])
})

test("a namespace in a file is the pod's own", async () => {
  const path = mkdtempSync(join(tmpdir(), 'kubernetes-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  const api = await stubApi()
  writeFileSync(join(path, 'namespace'), 'other')
  const { namespace } = inCluster(pod, path) ?? {}
  const { SecretsPath } = await import('./api/secrets-path.ts')
  const paths = new SecretsPath(namespace ?? '')
  expect(await paths.all(undefined, context.signal)).toBe('/api/v1/namespaces/other/secrets')
  await expect(new SecretsPath('../x').all(undefined, context.signal)).rejects.toMatchObject({ code: 'CONFIGURATION' })
  expect(api.requests).toEqual([])
})

test('variables make a provider with its address, token, namespace and names', async () => {
  const api = await stubApi()
  seed(api, 'other/finchat', { token: canaries.value })
  const env = {
    FINCHAT_SECRETS_PROVIDER: 'kubernetes',
    FINCHAT_SECRETS_FALLBACKS: '',
    FINCHAT_KUBERNETES_URL: api.url,
    FINCHAT_KUBERNETES_TOKEN: `${canaries.token}\n`,
    FINCHAT_KUBERNETES_NAMESPACE: 'other',
    FINCHAT_KUBERNETES_NAMES: 'FINCHAT_TOKEN=finchat#token',
  }
  const secrets = secretsManagerFromEnv({ kubernetes: kubernetesFromEnv }, { env })
  expect(await secrets.getSecret('FINCHAT_TOKEN')).toBe(canaries.value)
  expect(api.requests.at(-1)).toMatchObject({
    url: '/api/v1/namespaces/other/secrets/finchat',
    headers: { authorization: `Bearer ${canaries.token}` },
  })
  await secrets.close()
})

test('a missing file of the authority stops the call, and sends no token', async () => {
  const provider = providerOf(await stubApi(), { url: 'https://127.0.0.1:1', tls: { ca: { file: '/no/such/ca.crt' } } })
  expect((await failure(provider.get('db', context))).code).toBe('CONFIGURATION')
})
