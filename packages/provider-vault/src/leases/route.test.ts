import { inspect } from 'node:util'
import { createSecretsManager } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import { canaries, codeOf, collected, context, stubbed, stubVault, timesAsked } from '../testing/stub-vault.ts'

const leased = ['database/creds']

function leaseAnswer(path: string): { body: object } | undefined {
  const data = { username: 'user', password: canaries.value }
  return path.startsWith('/v1/database/')
    ? { body: { request_id: 'r', lease_id: 'database/creds/app/1', lease_duration: 60, data } }
    : undefined
}

test('only what is named in `leased` is asked of another place than the KV mount', async () => {
  const stub = await stubVault(leaseAnswer)
  const vault = stubbed(stub, { leased })
  for (const path of ['database/creds/app', 'database/creds', 'database/credsish', 'database']) await vault.get(path, context)
  const asked = stub.requests.map(({ path }) => path).filter((path) => path.includes('database'))
  expect(asked).toEqual(['/v1/database/creds/app', '/v1/database/creds', '/v1/secret/data/database/credsish', '/v1/secret/data/database'])
})

test('without `leased` nothing is asked of another place', async () => {
  const stub = await stubVault()
  await stubbed(stub).get('database/creds/app', context)
  expect(timesAsked(stub, '/v1/secret/data/database/creds/app')).toBe(1)
})

test('no name leaves what is leased', async () => {
  const stub = await stubVault(leaseAnswer)
  const vault = stubbed(stub, { leased })
  const hostile = ['database/creds/../../sys/seal', 'database/creds//x', 'database/creds/', 'database/creds/.', 'database/creds/a\nb']
  expect(await Promise.all(hostile.map((path) => codeOf(vault.get(path, context))))).toEqual(hostile.map(() => 'INVALID_ARGUMENT'))
  expect(stub.requests).toEqual([])
  await vault.get('database/creds/a?b#c%2e%2e\\d', context)
  expect(stub.requests.at(-1)?.path).toBe('/v1/database/creds/a%3Fb%23c%252e%252e%5Cd')
})

test('what cannot be done with a lease is refused before anything is sent', async () => {
  const stub = await stubVault(leaseAnswer)
  const vault = stubbed(stub, { leased })
  const path = 'database/creds/app'
  const calls = [
    vault.put(path, { value: '{}' }, context),
    vault.tag(path, { a: 'b' }, context),
    vault.delete(path, { purge: true }, context),
    vault.restore(path, context),
    vault.staging.put(path, { value: '{}' }, context),
    vault.staging.get(path, context),
    vault.staging.promote(path, {}, context),
    vault.staging.discard(path, {}, context),
    vault.getVersion(path, 'previous', context),
    vault.getVersion(path, 1, context),
  ]
  expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'UNSUPPORTED'))
  expect(await vault.describe(path, context)).toEqual({ exclusive: true })
  expect(stub.requests).toEqual([])
})

test('a probe of a leased path tells the held lease, and gets none', async () => {
  const stub = await stubVault(leaseAnswer)
  const vault = stubbed(stub, { leased })
  const path = 'database/creds/app'
  expect(await codeOf(vault.probe(path, context))).toBe('UNSUPPORTED')
  const held = await vault.get(path, context)
  expect(await vault.probe(path, context)).toEqual({ revision: held?.revision })
  expect(timesAsked(stub, '/v1/database/creds/app')).toBe(1)
  await vault.close()
})

test('a manager that is to write a leased secret makes no account', async () => {
  const stub = await stubVault(leaseAnswer)
  const names = { database: 'database/creds/app', password: 'database/creds/app#password' }
  const secrets = createSecretsManager({ providers: [stubbed(stub, { leased, names })] })
  for (const write of ['storeSecret', 'rotateSecret'] as const) {
    for (const provider of [undefined, 'vault']) {
      for (const value of ['text', { username: 'u', password: 'p' }])
        expect(await codeOf(secrets[write]('database', value, { provider }))).toBe('UNSUPPORTED')
      expect(await codeOf(secrets[write]('database', 'text', { provider, field: 'password' }))).toBe('UNSUPPORTED')
      expect(await codeOf(secrets[write]('password', 'text', { provider }))).toBe('UNSUPPORTED')
    }
  }
  expect(stub.requests).toEqual([])
  await secrets.close()
})

test('what lies in KV at a leased path is not listed, for it cannot be read', async () => {
  const stub = await stubVault((path) =>
    path.includes('list=true') ? { body: { request_id: 'r', data: { keys: ['creds', 'credsish'] } } } : undefined,
  )
  expect(await collected(stubbed(stub, { leased }).list('database/', context))).toEqual([{ path: 'database/credsish' }])
})

test('a provider that leases shares no cache with one that does not', async () => {
  const stub = await stubVault()
  const [first, second, third] = [stubbed(stub, { leased }), stubbed(stub), stubbed(stub, { leased: [...leased] })]
  expect(first.sharedAs).not.toBe(second.sharedAs)
  expect(first.sharedAs).toBe(third.sharedAs)
})

test('a provider that holds a lease shows nothing of it', async () => {
  const vault = stubbed(await stubVault(leaseAnswer), { leased })
  expect((await vault.get('database/creds/app', context))?.value).toContain(canaries.value)
  expect(inspect(vault, { depth: Number.POSITIVE_INFINITY, showHidden: true }) + JSON.stringify(vault)).not.toContain('c4n4ry')
})
