import { expect, test } from 'vitest'
import { vaultAnswer } from '../http/answer.ts'
import { versionedSecret } from './answers.ts'
import { canaries, codeOf, collected, context, failure, stubbed, stubVault } from '../testing/stub-vault.ts'

const created = '2026-11-25T14:27:54.626513001Z'
const good = { created_time: created, deletion_time: '', destroyed: false, version: 1 }
const secretWith = (metadata: object) => ({ body: { request_id: 'r', data: { data: { value: canaries.value }, metadata } } })

test.each([
  ['a version that is a text', { version: '1' }],
  ['a version that is a list', { version: [1] }],
  ['a version that is true', { version: true }],
  ['a version of 0', { version: 0 }],
  ['a version that is no integer', { version: 1.5 }],
  ['a moment that is none', { created_time: 'soon' }],
  ['a moment without a date', { created_time: '1' }],
  ['an end that is no moment', { deletion_time: 'soon' }],
  ['an end of a wrong type', { deletion_time: 7 }],
])('%s is not understood, in a read and in the receipt of a write', async (_what, members) => {
  const metadata = { ...good, ...members }
  const stub = await stubVault((path, method) =>
    path.includes('/data/') ? (method === 'POST' ? { body: { request_id: 'r', data: metadata } } : secretWith(metadata)) : undefined,
  )
  expect(await codeOf(stubbed(stub).get('app', context))).toBe('INTERNAL')
  const { code, effect } = await failure(stubbed(stub).put('app', { value: canaries.value }, context))
  expect([code, effect]).toEqual(['INTERNAL', 'unknown'])
})

test('a read that is answered without content names its status', async () => {
  const stub = await stubVault((path) => (path.includes('/data/') || path.includes('/metadata') ? { status: 204, body: '' } : undefined))
  const provider = stubbed(stub)
  const reads = [() => provider.get('app', context), () => provider.describe('app', context), () => collected(provider.list('', context))]
  for (const read of reads) {
    const { code, problem, storeStatus } = await failure(read())
    expect([code, problem, storeStatus]).toEqual(['INTERNAL', 'the answer has no content, as no KV mount sends it', '204'])
  }
})

test('a version whose data is null has no fields', async () => {
  const stub = await stubVault((path) =>
    path.includes('/data/') ? { body: { request_id: 'r', data: { data: null, metadata: good } } } : undefined,
  )
  expect((await stubbed(stub).get('app', context))?.value).toBe('{}')
})

test.each([
  ['texts', '{"2":"\\u003c\\u2028","1":"","__proto__":"p","é\\"":"\\ud800"}'],
  ['numbers beside them', '{"text":"\\u003c","rate":1.10,"big":9007199254740993,"list":[1.0]}'],
  ['nothing', '{}'],
])('fields that hold %s are what the server wrote', async (_what, fields) => {
  const body = `{"request_id":"r","data":{"data":${fields},"metadata":${JSON.stringify(good)}}}`
  const { value } = versionedSecret(vaultAnswer(200, body))
  expect(JSON.parse(String(value))).toEqual(JSON.parse(fields))
  expect(Object.keys(JSON.parse(String(value)) as object)).toEqual(Object.keys(JSON.parse(fields) as object))
  for (const number of ['1.10', '9007199254740993', '[1.0]']) expect(String(value).includes(number)).toBe(fields.includes(number))
})

test('a purge that cannot remove what waits to be promoted removes nothing', async () => {
  const stub = await stubVault((path, method) =>
    method === 'DELETE' && path.includes('finchat-staged') ? { status: 503, body: { errors: ['Vault is sealed'] } } : undefined,
  )
  expect(await codeOf(stubbed(stub).delete('app', { purge: true }, context))).toBe('UNAVAILABLE')
  expect(stub.requests.filter(({ method, path }) => method === 'DELETE' && !path.includes('finchat-staged'))).toEqual([])
})

test('another version than the one that was asked for is no answer, nor is the receipt of another than was written', async () => {
  const other = { ...good, version: 7 }
  const stub = await stubVault((path, method) =>
    path.includes('/data/') ? (method === 'POST' ? { body: { request_id: 'r', data: other } } : secretWith(other)) : undefined,
  )
  const provider = stubbed(stub)
  expect((await provider.get('app', context))?.version).toBe(7)
  expect((await provider.getVersion('app', 7, context))?.version).toBe(7)
  expect(await codeOf(provider.getVersion('app', 3, context))).toBe('INTERNAL')
  const { code, effect } = await failure(provider.put('app', { value: canaries.value, version: 3 }, context))
  expect([code, effect]).toEqual(['INTERNAL', 'unknown'])
  expect(await provider.put('app', { value: canaries.value, version: 7 }, context)).toMatchObject({ version: 7 })
})

test.each([-3_600_000, -5, 3_600_000])("the server's clock decides what is deleted; ours differs by %i ms", async (skew) => {
  const serverTime = Date.now() + skew
  const deleted = { ...good, deletion_time: new Date(serverTime - 2).toISOString() }
  const dueLater = { ...good, deletion_time: new Date(serverTime + 60_000).toISOString() }
  const record = (metadata: object) => ({
    headers: { Date: new Date(serverTime).toUTCString() },
    body: { request_id: 'r', data: { current_version: 1, custom_metadata: null, versions: { 1: metadata } } },
  })
  const stub = await stubVault((path, method) => {
    if (path.endsWith('.finchat-staged')) return { status: 404, body: { errors: [] } }
    if (method === 'GET' && path.endsWith('metadata/deleted')) return record(deleted)
    return method === 'GET' && path.endsWith('metadata/later') ? record(dueLater) : undefined
  })
  const provider = stubbed(stub)
  expect(await codeOf(provider.describe('deleted', context))).toBe('DELETED')
  expect((await provider.describe('later', context))?.version).toBe(1)
  await provider.restore('deleted', context)
  await provider.restore('later', context)
  await provider.delete('deleted', { purge: false }, context)
  await provider.delete('later', { purge: false }, context)
  const written = stub.requests.filter(({ method }) => method === 'POST').map(({ path, body }) => `${path} ${body}`)
  expect(written).toEqual(['/v1/secret/undelete/deleted {"versions":[1]}', '/v1/secret/delete/later {"versions":[1]}'])
})
