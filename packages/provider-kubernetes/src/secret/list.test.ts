import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type KubernetesProvider, kubernetesProvider } from '../kubernetes-provider.ts'
import { context, failure, providerOf, seed, stubApi } from '../testing/kube-harness.ts'
import type { StubApi } from '../testing/stub-api.ts'
import { StubRefusal } from '../testing/stub-cluster.ts'

async function listed(provider: KubernetesProvider, prefix: string): Promise<string[]> {
  const paths: string[] = []
  for await (const { path } of provider.list(prefix, context)) paths.push(path)
  return paths
}

async function crowdedApi(): Promise<StubApi> {
  const api = await stubApi()
  for (let n = 0; n < 1_200; n += 1) api.cluster.create('default', { metadata: { name: `db-${String(n).padStart(4, '0')}` } })
  return api
}

test('a list is read in pages of 500, without values', async () => {
  const api = await crowdedApi()
  const all = await listed(providerOf(api), '')
  expect([all.length, new Set(all).size, api.requests.length]).toEqual([1_200, 1_200, 3])
  expect(api.requests.every(({ headers }) => headers.accept?.includes('as=PartialObjectMetadataList'))).toBe(true)
})

test('a list that expires goes on after the last name', async () => {
  const api = await crowdedApi()
  const paths: string[] = []
  for await (const { path } of providerOf(api).list('db-', context)) {
    paths.push(path)
    if (paths.length === 500) api.cluster.compact()
  }
  expect([paths.length, new Set(paths).size]).toEqual([1_200, 1_200])
  expect(api.requests.length).toBe(5)
})

test('a server that forgets every list is an outage', async () => {
  const api = await crowdedApi()
  const pages = providerOf(api).list('', context)[Symbol.asyncIterator]()
  for (let n = 0; n < 500; n += 1) await pages.next()
  const list = api.cluster.list.bind(api.cluster)
  api.cluster.list = (namespace, limit, token) => {
    if (token !== undefined) throw new StubRefusal(410, 'Expired')
    return list(namespace, limit, token)
  }
  expect(await failure(pages.next())).toMatchObject({ code: 'UNAVAILABLE', problem: expect.stringContaining('forgets the list') })
})

test('a list that never ends is refused', async () => {
  const api = await stubApi()
  seed(api, 'db', { value: 'x' })
  const list = api.cluster.list.bind(api.cluster)
  api.cluster.list = (namespace, limit, token) => ({ ...list(namespace, limit, token), next: `${api.cluster.revision}.0` })
  expect(await failure(listed(providerOf(api), ''))).toMatchObject({ code: 'INTERNAL' })
  expect(api.requests.length).toBeLessThan(4)
})

test.each(['{}', '{"kind":"Status","status":"Success"}'])('%s is no empty list', async (body) => {
  const server = createServer((_request, response) => void response.end(body)).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  const provider = kubernetesProvider({ url: `http://127.0.0.1:${port}` })
  onTestFinished(() => provider.close())
  expect((await failure(listed(provider, ''))).code).toBe('INTERNAL')
})

test('a prefix with a slash lists that namespace, and one that is no namespace lists nothing', async () => {
  const api = await stubApi()
  for (const path of ['other/db', 'other/api', 'db']) seed(api, path, { value: 'x' })
  const provider = providerOf(api)
  expect(await listed(provider, 'other/d')).toEqual(['other/db'])
  expect(await listed(provider, 'd')).toEqual(['db'])
  expect(await listed(provider, 'No/d')).toEqual([])
})
