import { expect, test } from 'vitest'
import type { KubernetesProvider } from '../kubernetes-provider.ts'
import { base64, canaries, context, failure, providerOf, seed, stubApi } from '../testing/kube-harness.ts'

const binary = Uint8Array.of(0xff, 0xfe)

test('a write keeps type, labels and fields that are no text, and removes other fields', async () => {
  const api = await stubApi()
  const metadata = { labels: { app: 'pay' } }
  seed(api, 'db', { 'tls.crt': 'cert', old: 'x', keystore: binary }, { type: 'kubernetes.io/tls', metadata })
  await providerOf(api).put('db', { value: '{"tls.crt":"next"}', shape: 'map' }, context)
  const stored = api.cluster.get('default', 'db')
  expect(stored).toMatchObject({ type: 'kubernetes.io/tls', metadata, data: { 'tls.crt': base64('next'), keystore: base64(binary) } })
  expect(Object.keys(stored.data ?? {}).toSorted()).toEqual(['keystore', 'tls.crt'])
})

test('a new secret is Opaque, and stringData is never sent', async () => {
  const api = await stubApi()
  await providerOf(api).put('db', { value: 'one', tags: { team: 'pay' } }, context)
  expect(api.cluster.get('default', 'db')).toMatchObject({ type: 'Opaque', data: { value: base64('one') } })
  expect(api.requests.some(({ body }) => body.includes('stringData'))).toBe(false)
})

test('a write between our read and our write starts again, or is a conflict under a condition', async () => {
  const api = await stubApi()
  seed(api, 'db', { value: 'one' })
  const provider = providerOf(api)
  const { revision } = (await provider.get('db', context)) ?? {}
  let overtakes = 1
  const get = api.cluster.get.bind(api.cluster)
  api.cluster.get = (namespace, name) => {
    const found = get(namespace, name)
    if (overtakes-- > 0) queueMicrotask(() => api.cluster.update(namespace, name, { data: { value: base64(`other ${overtakes}`) } }))
    return found
  }
  await provider.put('db', { value: 'two' }, context)
  overtakes = 0
  expect(JSON.parse(String((await provider.get('db', context))?.value))).toEqual({ value: 'two' })
  expect((await failure(provider.put('db', { value: 'three', ifCurrent: { revision } }, context))).code).toBe('VERSION_CONFLICT')
})

test.each([{}, { ifCurrent: null }])(
  'a secret that waits for its finalizers takes no write, which would go away with it: %o',
  async (condition) => {
    const api = await stubApi()
    seed(api, 'db', { value: 'one' }, { metadata: { finalizers: ['example.com/hold'] } })
    const provider = providerOf(api)
    await provider.delete('db', { purge: true }, context)
    expect(await failure(provider.put('db', { value: canaries.value, ...condition }, context))).toMatchObject({ code: 'DELETED' })
    api.cluster.update('default', 'db', { metadata: { finalizers: [] } })
    await provider.put('db', { value: 'two', ...condition }, context)
    expect((await provider.get('db', context))?.value).toBe('{"value":"two"}')
  },
)

test('a secret that waits for its finalizers takes no tag, which would go away with it', async () => {
  const api = await stubApi()
  seed(api, 'db', { value: 'one' }, { metadata: { finalizers: ['example.com/hold'] } })
  const provider = providerOf(api)
  await provider.delete('db', { purge: true }, context)
  expect(await failure(provider.tag('db', { team: 'pay' }, context))).toMatchObject({ code: 'DELETED' })
})

test('a secret that is purged between our read and our write is a conflict under a condition', async () => {
  const api = await stubApi()
  seed(api, 'db', { value: 'one' })
  const provider = providerOf(api)
  const { revision } = (await provider.get('db', context)) ?? {}
  const get = api.cluster.get.bind(api.cluster)
  api.cluster.get = (namespace, name) => {
    queueMicrotask(() => api.cluster.remove(namespace, name))
    api.cluster.get = get
    return get(namespace, name)
  }
  expect((await failure(provider.put('db', { value: 'two', ifCurrent: { revision } }, context))).code).toBe('VERSION_CONFLICT')
})

const copies = {
  'kubectl.kubernetes.io/last-applied-configuration': `{"data":{"value":"${base64(canaries.value)}"}}`,
  'kapp.k14s.io/original': `{"data":{"value":"${base64(canaries.value)}"}}`,
}

test.each([
  ['a new version', async (provider: KubernetesProvider) => void (await provider.put('db', { value: 'two' }, context))],
  [
    'a new version under a condition',
    async (provider: KubernetesProvider) => {
      const { revision } = (await provider.get('db', context)) ?? {}
      await provider.put('db', { value: 'two', ifCurrent: { revision } }, context)
    },
  ],
  ['a deletion', async (provider: KubernetesProvider) => void (await provider.delete('db', { purge: false }, context))],
])('%s takes the former value away from where kubectl and kapp keep it', async (_what, change) => {
  const api = await stubApi()
  seed(api, 'db', { value: canaries.value }, { metadata: { annotations: { ...copies, owner: 'pay' } } })
  await change(providerOf(api))
  const stored = api.cluster.get('default', 'db')
  expect(JSON.stringify(stored)).not.toContain(base64(canaries.value))
  expect(stored.metadata.annotations).toMatchObject({ owner: 'pay' })
})

test('a purge takes the value away, also where finalizers keep the object', async () => {
  const api = await stubApi()
  seed(api, 'db', { value: canaries.value }, { metadata: { finalizers: ['example.com/hold'], annotations: copies } })
  await providerOf(api).delete('db', { purge: true }, context)
  const stored = api.cluster.get('default', 'db')
  expect(stored.metadata.deletionTimestamp).toBeDefined()
  expect(JSON.stringify(stored)).not.toContain(base64(canaries.value))
})

test('a single field that is no text is the value, which a new version replaces', async () => {
  const api = await stubApi()
  seed(api, 'db', { keystore: binary })
  const provider = providerOf(api)
  expect((await provider.get('db', context))?.value).toEqual(binary)
  await provider.put('db', { value: 'two' }, context)
  expect(api.cluster.get('default', 'db').data).toEqual({ value: base64('two') })
})

test('tags leave what kubectl keeps, since the value is the same', async () => {
  const api = await stubApi()
  seed(api, 'db', { value: 'one' }, { metadata: { annotations: copies } })
  await providerOf(api).tag('db', { team: 'pay' }, context)
  expect(api.cluster.get('default', 'db').metadata.annotations).toMatchObject(copies)
})

test.each(['POST', 'PATCH'])('a %s whose answer is no Secret may have been done', async (method) => {
  const api = await stubApi()
  if (method === 'PATCH') seed(api, 'db', { value: 'one' })
  const provider = providerOf(api)
  const { create, update } = api.cluster
  api.cluster.create = (...args) => ({ ...create.apply(api.cluster, args), metadata: JSON.parse('{}') })
  api.cluster.update = (...args) => ({ ...update.apply(api.cluster, args), metadata: JSON.parse('{}') })
  expect(await failure(provider.put('db', { value: 'two' }, context))).toMatchObject({ code: 'INTERNAL', effect: 'unknown' })
  expect(api.cluster.get('default', 'db').data).toEqual({ value: base64('two') })
})

test('an immutable secret is CONFIGURATION before the write', async () => {
  const api = await stubApi()
  seed(api, 'db', { value: 'one' }, { immutable: true })
  const provider = providerOf(api)
  expect(await failure(provider.put('db', { value: canaries.value }, context))).toMatchObject({ code: 'CONFIGURATION' })
  expect(api.requests.map(({ method }) => method)).toEqual(['GET'])
  expect((await failure(provider.delete('db', { purge: false }, context))).code).toBe('INVALID_ARGUMENT')
  await provider.delete('db', { purge: true }, context)
  expect(await provider.get('db', context)).toBeUndefined()
})

test.each([
  ['a number', '{"pin":42}'],
  ['a list', '["a"]'],
  ['no JSON', '{"pin":'],
  ['a name of two words', '{"two words":"x"}'],
  ['a name of dots', '{"..data":"x"}'],
  ['too much together', JSON.stringify({ a: 'x'.repeat(600_000), b: 'x'.repeat(600_000) })],
])('fields with %s are refused before any call', async (_what, value) => {
  const api = await stubApi()
  expect((await failure(providerOf(api).put('db', { value, shape: 'map' }, context))).code).toBe('INVALID_ARGUMENT')
  expect(api.requests).toEqual([])
})

test('fields that are kept count for the limit too', async () => {
  const api = await stubApi()
  seed(api, 'db', { keystore: new Uint8Array(600_000).fill(0xff), value: 'x' })
  expect((await failure(providerOf(api).put('db', { value: 'x'.repeat(600_000) }, context))).code).toBe('INVALID_ARGUMENT')
  expect(api.requests.map(({ method }) => method)).toEqual(['GET'])
})

test('a write into a missing namespace is CONFIGURATION', async () => {
  const api = await stubApi()
  expect((await failure(providerOf(api).put('nowhere/db', { value: canaries.value }, context))).code).toBe('CONFIGURATION')
})

test('a deleted secret is empty for others, and a write makes it live', async () => {
  const api = await stubApi()
  seed(api, 'db', { value: canaries.value })
  const provider = providerOf(api)
  await provider.delete('db', { purge: false }, context)
  expect(api.cluster.get('default', 'db').data ?? {}).toEqual({})
  expect((await failure(provider.get('db', context))).code).toBe('DELETED')
  await provider.put('db', { value: 'two', ifCurrent: null }, context)
  expect((await provider.get('db', context))?.value).toBe('{"value":"two"}')
})
