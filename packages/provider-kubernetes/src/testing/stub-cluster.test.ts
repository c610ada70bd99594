import {
  ApiException,
  CoreV1Api,
  KubeConfig,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1Secret,
  Watch,
} from '@kubernetes/client-node'
import { expect, onTestFinished, test, vi } from 'vitest'
import { base64, seed, stubApi } from './kube-harness.ts'
import type { StubApi } from './stub-api.ts'

const namespace = 'default'

/** The client of the Kubernetes project, which others wrote. */
async function client(): Promise<{ api: StubApi; config: KubeConfig; core: CoreV1Api }> {
  const api = await stubApi()
  const config = new KubeConfig()
  config.loadFromClusterAndUser({ name: 'stub', server: api.url, skipTLSVerify: true }, { name: 'user', token: 'token' })
  return { api, config, core: config.makeApiClient(CoreV1Api) }
}

function secret(name: string, text: string, resourceVersion?: string): V1Secret {
  return { metadata: { name, ...(resourceVersion !== undefined && { resourceVersion }) }, data: { value: base64(text) } }
}

async function codeOf(call: Promise<unknown>): Promise<number> {
  const [settled] = await Promise.allSettled([call])
  if (settled.status === 'rejected' && settled.reason instanceof ApiException) return settled.reason.code
  throw new Error('the call did not fail with a status')
}

test('create, read, replace and delete, with the conflicts of the API', async () => {
  const { core } = await client()
  const created = await core.createNamespacedSecret({ namespace, body: secret('db', 'one') })
  expect(await codeOf(core.createNamespacedSecret({ namespace, body: secret('db', 'one') }))).toBe(409)
  expect(await codeOf(core.createNamespacedSecret({ namespace: 'nowhere', body: secret('db', 'one') }))).toBe(404)
  const before = created.metadata?.resourceVersion
  const replaced = await core.replaceNamespacedSecret({ name: 'db', namespace, body: secret('db', 'two', before) })
  expect(replaced.metadata?.resourceVersion).not.toBe(before)
  expect(await codeOf(core.replaceNamespacedSecret({ name: 'db', namespace, body: secret('db', 'three', before) }))).toBe(409)
  expect((await core.readNamespacedSecret({ name: 'db', namespace })).data).toEqual({ value: base64('two') })
  await core.deleteNamespacedSecret({ name: 'db', namespace })
  expect(await codeOf(core.readNamespacedSecret({ name: 'db', namespace }))).toBe(404)
})

test('a merge patch removes by null, and conflicts with another resource version', async () => {
  const { api, core } = await client()
  seed(api, 'db', { a: 'one', b: 'two' })
  const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)
  const patched = await core.patchNamespacedSecret({ name: 'db', namespace, body: { data: { a: null, c: base64('three') } } }, merge)
  expect(patched.data).toEqual({ b: base64('two'), c: base64('three') })
  const again = await core.patchNamespacedSecret({ name: 'db', namespace, body: { data: { c: base64('three') } } }, merge)
  expect(again.metadata?.resourceVersion).toBe(patched.metadata?.resourceVersion)
  const stale = { metadata: { resourceVersion: '1' }, data: { d: '' } }
  expect(await codeOf(core.patchNamespacedSecret({ name: 'db', namespace, body: stale }, merge))).toBe(409)
})

test('an immutable secret and one that is too large are refused', async () => {
  const { api, core } = await client()
  seed(api, 'fixed', { value: 'one' }, { immutable: true })
  expect(await codeOf(core.replaceNamespacedSecret({ name: 'fixed', namespace, body: secret('fixed', 'two') }))).toBe(422)
  expect(await codeOf(core.createNamespacedSecret({ namespace, body: secret('large', 'x'.repeat(1_048_577)) }))).toBe(422)
})

test('a list comes in chunks of one state, and expires', async () => {
  const { api, core } = await client()
  for (const name of ['a', 'b', 'c']) seed(api, name, { value: name })
  const first = await core.listNamespacedSecret({ namespace, limit: 2 })
  const { _continue: next = '' } = first.metadata ?? {}
  seed(api, 'd', { value: 'd' })
  const second = await core.listNamespacedSecret({ namespace, limit: 2, _continue: next })
  expect([...first.items, ...second.items].map(({ metadata }) => metadata?.name)).toEqual(['a', 'b', 'c'])
  expect(second.metadata).not.toHaveProperty('_continue', expect.any(String))
  api.cluster.compact()
  expect(await codeOf(core.listNamespacedSecret({ namespace, limit: 2, _continue: next }))).toBe(410)
})

test('a watch of one name begins at a version, has bookmarks, and ends with 410 after a compaction', async () => {
  const { api, config } = await client()
  seed(api, 'db', { value: 'one' })
  const from = api.cluster.revision
  const watch = new Watch(config)
  const seen: [string, string | undefined][] = []
  const query = { fieldSelector: 'metadata.name=db', allowWatchBookmarks: true }
  const path = `/api/v1/namespaces/${namespace}/secrets`
  const follow = (resourceVersion: string): Promise<AbortController> =>
    watch.watch(
      path,
      { ...query, resourceVersion },
      (phase: string, object: V1Secret) => void seen.push([phase, object.data?.['value']]),
      () => {},
    )
  const running = await follow(from)
  seed(api, 'other', { value: 'x' })
  seed(api, 'db', { value: 'two' })
  api.cluster.bookmark()
  api.cluster.remove(namespace, 'db')
  const changes = [
    ['MODIFIED', base64('two')],
    ['BOOKMARK', undefined],
    ['DELETED', base64('two')],
  ]
  await vi.waitFor(() => expect(seen).toEqual(changes), 20_000)
  running.abort()
  api.cluster.compact()
  const late = await follow(from)
  await vi.waitFor(() => expect(seen.at(-1)?.[0]).toBe('ERROR'), 20_000)
  late.abort()
})

test('an informer sees what was there, what changes, and what changed over a compaction', async () => {
  const { api, config, core } = await client()
  seed(api, 'db', { value: 'one' })
  const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/secrets`, () => core.listNamespacedSecret({ namespace }))
  onTestFinished(() => informer.stop())
  const seen: unknown[] = []
  const hear = (what: string) => (object: V1Secret) => void seen.push([what, object.metadata?.name, object.data?.['value']])
  informer.on('add', hear('added'))
  informer.on('update', hear('updated'))
  await informer.start()
  await vi.waitFor(() => expect(api.watches).toBe(1), 20_000)
  seed(api, 'db', { value: 'two' })
  const [added, updated] = [
    ['added', 'db', base64('one')],
    ['updated', 'db', base64('two')],
  ]
  await vi.waitFor(() => expect(seen).toEqual([added, updated]), 20_000)
  api.endWatches()
  api.cluster.compact()
  seed(api, 'db', { value: 'three' })
  await vi.waitFor(() => expect(seen.at(-1)).toEqual(['updated', 'db', base64('three')]), { timeout: 10_000 })
})
