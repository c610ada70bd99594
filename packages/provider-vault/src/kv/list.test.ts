import { expect, test } from 'vitest'
import { codeOf, collected, context, stubbed, stubVault } from '../testing/stub-vault.ts'

/** A mount whose folders hold these keys. */
async function listing(folders: Record<string, readonly unknown[]>) {
  const stub = await stubVault((path) => {
    const folder = /^\/v1\/secret\/metadata\/?(.*)\?list=true$/.exec(path)?.[1]
    return folder === undefined ? undefined : { body: { request_id: 'r', data: { keys: folders[folder] ?? [] } } }
  })
  return { provider: stubbed(stub), asked: () => stub.requests.map(({ path }) => path).filter((path) => path.includes('list=true')) }
}

test('keys that no path of Vault can have are neither listed nor followed out of the mount', async () => {
  const hostile = ['../', '../../sys/', './', '/', '//', '', '..', 'a//', 'a/../b', 'x\ny', 'x\ny/', '\ud800/']
  const { provider, asked } = await listing({ '': [...hostile, 'app', 'folder/', 'folder/'], folder: ['db'] })
  expect(await collected(provider.list('', context))).toEqual([{ path: 'app' }, { path: 'folder/db' }])
  expect(asked()).toEqual(['/v1/secret/metadata?list=true', '/v1/secret/metadata/folder?list=true'])
})

test('only folders that can hold the prefix are asked, each when its first path is read', async () => {
  const { provider, asked } = await listing({ '': ['app/', 'apple/', 'b/', 'app'], app: ['db/', 'x'], 'app/db': ['y'], apple: ['z'] })
  const paths = provider.list('app', context)[Symbol.asyncIterator]()
  expect(await paths.next()).toEqual({ done: false, value: { path: 'app' } })
  expect(asked().length).toBe(1)
  expect(await collected({ [Symbol.asyncIterator]: () => paths })).toEqual([{ path: 'app/x' }, { path: 'app/db/y' }, { path: 'apple/z' }])
  expect(await collected(provider.list('app/d', context))).toEqual([{ path: 'app/db/y' }])
})

test('a folder may have very many others', async () => {
  const { provider } = await listing({ '': Array.from({ length: 200_000 }, (_, n) => `f${n}/`), f0: ['db'] })
  for await (const { path } of provider.list('', context)) {
    expect(path).toBe('f0/db')
    return
  }
})

test.each([{ keys: 'app' }, { keys: ['app', 7] }, {}])('%j is no list', async (data) => {
  const stub = await stubVault((path) => (path.includes('list=true') ? { body: { request_id: 'r', data } } : undefined))
  expect(await codeOf(collected(stubbed(stub).list('', context)))).toBe('INTERNAL')
})

test.each(['../', 'a//b', './a', '/a'])('%s is no beginning of a path', async (prefix) => {
  const { provider, asked } = await listing({})
  expect(await codeOf(collected(provider.list(prefix, context)))).toBe('INVALID_ARGUMENT')
  expect(asked()).toEqual([])
})
