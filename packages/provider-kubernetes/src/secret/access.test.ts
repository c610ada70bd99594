import { expect, test } from 'vitest'
import { canaries, context, failure, providerOf, stubApi } from '../testing/kube-harness.ts'

test.each([
  [[], ['read', 'list', 'write', 'write', 'purge', 'watch']],
  [
    ['patch', 'create', 'delete'],
    ['read', 'list', 'watch'],
  ],
  [['create'], ['read', 'list', 'write', 'purge', 'watch']],
])('tells what the roles allow without touching a secret, if %j are refused', async (denied, allowed) => {
  const api = await stubApi()
  for (const verb of denied) api.deniedVerbs.add(verb)
  const rights = await providerOf(api, { namespace: 'default' }).checkAccess(['db'], context)
  expect(rights.filter(({ isAllowed }) => isAllowed).map(({ feature }) => feature)).toEqual(allowed)
  expect(api.requests.filter(({ url }) => url.includes('/secrets'))).toEqual([])
})

test('asks in the namespace of the path, and of no name where a rule can have none', async () => {
  const api = await stubApi()
  const rights = await providerOf(api, { namespace: 'default' }).checkAccess(['other/db'], context)
  const asked = api.requests.map(({ body }) => JSON.parse(body).spec.resourceAttributes)
  expect(asked).toContainEqual({ namespace: 'other', verb: 'get', resource: 'secrets', name: 'db' })
  expect(asked).toContainEqual({ namespace: 'other', verb: 'list', resource: 'secrets' })
  expect(rights[0]?.right).toBe('"get" on secrets "db" of namespace "other"')
})

test('rejects if the server refuses the token, and shows it nowhere', async () => {
  const api = await stubApi()
  api.tokens = []
  const { code, message } = await failure(providerOf(api, { namespace: 'default' }).checkAccess(['db'], context))
  expect(code).toBe('UNAUTHENTICATED')
  expect(message).not.toContain(canaries.token)
})
