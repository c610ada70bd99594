import { expect, test } from 'vitest'
import { base64, canaries, context, failure, providerOf, seed, stubApi } from '../testing/kube-harness.ts'

const binary = Uint8Array.of(0xff, 0x00, 0xc3, 0x28)

test('the fields of a secret are JSON, and another namespace is named by its path', async () => {
  const api = await stubApi()
  seed(api, 'other/db', { user: 'app', password: 'päss\n' })
  const provider = providerOf(api)
  const found = await provider.get('other/db', context)
  expect(found).toMatchObject({ shape: 'map', revision: api.cluster.revision })
  expect(JSON.parse(String(found?.value))).toEqual({ user: 'app', password: 'päss\n' })
  expect(await provider.get('db', context)).toBeUndefined()
})

test('a secret without data has no fields', async () => {
  const api = await stubApi()
  seed(api, 'db', {})
  expect((await providerOf(api).get('db', context))?.value).toBe('{}')
})

test('a field that is no text is the value if it is alone, and is left out beside others', async () => {
  const api = await stubApi()
  seed(api, 'alone', { keystore: binary })
  seed(api, 'beside', { keystore: binary, password: 'x' })
  seed(api, 'several', { one: binary, two: binary })
  const provider = providerOf(api)
  expect((await provider.get('alone', context))?.value).toEqual(binary)
  expect((await provider.get('beside', context))?.value).toBe('{"password":"x"}')
  expect((await failure(provider.get('several', context))).code).toBe('INTEGRITY')
})

test('a field of the name __proto__ is a field', async () => {
  const api = await stubApi()
  seed(api, 'db', { ['__proto__']: 'x' })
  expect((await providerOf(api).get('db', context))?.value).toBe('{"__proto__":"x"}')
})

test('a secret that waits for its finalizers is DELETED', async () => {
  const api = await stubApi()
  seed(api, 'db', { value: canaries.value }, { metadata: { finalizers: ['example.com/hold'] } })
  api.cluster.remove('default', 'db')
  const provider = providerOf(api)
  for (const call of [provider.get('db', context), provider.describe('db', context), provider.probe('db', context)])
    expect((await failure(call)).code).toBe('DELETED')
})

test('a description has our tags, and not what other tools note', async () => {
  const api = await stubApi()
  const applied = { 'kubectl.kubernetes.io/last-applied-configuration': canaries.value }
  seed(api, 'db', { value: 'x' }, { metadata: { annotations: { ...applied, 'tag.secrets.finchat/team': 'pay' } } })
  const described = await providerOf(api).describe('db', context)
  expect(described?.tags).toEqual({ team: 'pay' })
  expect(JSON.stringify(described)).not.toContain(canaries.value)
})

test.each(['DB', 'a_b', 'a/b/c', '/db', 'db/', '.db', '../db', 'a..b', '-a', `${'n'.repeat(64)}/db`, 'x'.repeat(254), 'db?watch=1', ''])(
  '%j is no path of Kubernetes',
  async (path) => {
    const api = await stubApi()
    expect((await failure(providerOf(api).get(path, context))).code).toBe('INVALID_ARGUMENT')
    expect(api.requests).toEqual([])
  },
)

test('base64 that Kubernetes would not send is INTEGRITY', async () => {
  const api = await stubApi()
  seed(api, 'db', { value: 'x' })
  const stored = api.cluster.get('default', 'db')
  Object.assign(stored.data ?? {}, { value: `${base64('x')}!` })
  expect((await failure(providerOf(api).get('db', context))).code).toBe('INTEGRITY')
})
