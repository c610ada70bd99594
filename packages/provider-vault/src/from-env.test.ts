import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { secretsManagerFromEnv } from '@finchat/secrets-core'
import { afterAll, expect, test } from 'vitest'
import { vaultFromEnv } from './from-env.ts'
import { canaries, codeOf, stubVault, usual } from './testing/stub-vault.ts'

const chosen = { FINCHAT_SECRETS_PROVIDER: 'vault', FINCHAT_SECRETS_FALLBACKS: '' }

test('the variables make a provider with its address, token and names', async () => {
  const stub = await stubVault()
  const env = {
    ...chosen,
    FINCHAT_VAULT_URL: stub.url,
    FINCHAT_VAULT_TOKEN: canaries.token,
    FINCHAT_VAULT_NAMES: 'FINCHAT_TOKEN=finchat/token#value',
  }
  const secrets = secretsManagerFromEnv({ vault: vaultFromEnv }, { env })
  expect(await secrets.getSecret('FINCHAT_TOKEN')).toBe(canaries.value)
  expect(stub.requests.at(-1)).toMatchObject({ path: '/v1/secret/data/finchat/token', headers: { 'x-vault-token': canaries.token } })
  await secrets.close()
})

test('one line end after the token is left out, as of a file, and no more', async () => {
  const stub = await stubVault()
  const readWith = async (end: string): Promise<string> => {
    const env = { ...chosen, FINCHAT_VAULT_URL: stub.url, FINCHAT_VAULT_TOKEN: canaries.token + end }
    const secrets = secretsManagerFromEnv({ vault: vaultFromEnv }, { env })
    const code = await codeOf(secrets.getSecret('app'))
    await secrets.close()
    return code
  }
  expect([await readWith('\n'), await readWith('\r\n'), await readWith('\n\n')]).toEqual(['ok', 'ok', 'CONFIGURATION'])
})

test('without a token each call is CREDENTIALS_MISSING', async () => {
  const secrets = secretsManagerFromEnv({ vault: vaultFromEnv }, { env: { ...chosen, FINCHAT_VAULT_URL: 'https://vault.example' } })
  expect((await secrets.checkHealth()).providers['vault']).toMatchObject({ status: 'failed', code: 'CREDENTIALS_MISSING' })
  expect(await codeOf(secrets.getSecret('api_key'))).toBe('UNAVAILABLE')
  await secrets.close()
})

test('a missing or invalid address and a broken list are errors that do not show them', () => {
  const problem = (env: Record<string, string>): string => {
    try {
      secretsManagerFromEnv({ vault: vaultFromEnv }, { env: { ...chosen, ...env } })
    } catch (error) {
      return String(error)
    }
    return 'no problem'
  }
  const url = 'https://vault.example'
  expect(problem({ FINCHAT_VAULT_URL: url })).toBe('no problem')
  expect(problem({})).toContain('FINCHAT_VAULT_URL is not set')
  expect(problem({ FINCHAT_VAULT_ADDR: url })).toMatch(
    /FINCHAT_VAULT_URL is not set\n {2}"FINCHAT_VAULT_ADDR" is not known: use FINCHAT_VAULT_URL$/,
  )
  expect(problem({ FINCHAT_VAULT_URL: 'http://c4n4ry.example' })).toContain('plain http')
  expect(problem({ FINCHAT_VAULT_URL: 'http://c4n4ry.example' })).not.toContain('c4n4ry')
  expect(problem({ FINCHAT_VAULT_URL: url, FINCHAT_VAULT_NAMES: 'broken' })).toContain('FINCHAT_VAULT_NAMES')
})

test('a policy of a few paths works by the prefix, or by mapped names alone', async () => {
  const stub = await stubVault()
  const env = { FINCHAT_SECRETS_PROVIDER: 'vault', FINCHAT_VAULT_URL: stub.url, FINCHAT_VAULT_TOKEN: canaries.token, LOG_LEVEL: 'info' }
  const pathsOf = async (name: string, further: Record<string, string>): Promise<unknown[]> => {
    const secrets = secretsManagerFromEnv({ vault: vaultFromEnv }, { env: { ...env, ...further } })
    const before = stub.requests.length
    await codeOf(secrets.getSecret(name))
    await secrets.close()
    return stub.requests.slice(before).flatMap(({ path }) => (path.includes('/data/') ? [path] : []))
  }
  expect(await pathsOf('app', { FINCHAT_VAULT_PREFIX: 'finchat/' })).toEqual(['/v1/secret/data/finchat/app'])
  const named = { FINCHAT_VAULT_NAMES: 'FINCHAT_TOKEN=finchat/token#value', FINCHAT_VAULT_ONLY_NAMED: 'true' }
  expect(await pathsOf('LOG_LEVEL', named)).toEqual([])
  expect(await pathsOf('FINCHAT_TOKEN', named)).toEqual(['/v1/secret/data/finchat/token'])
})

const folder = mkdtempSync(join(tmpdir(), 'vault-from-env-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

test.each([
  ['AppRole', { ROLE_ID: 'r', SECRET_ID: canaries.secretId }, 'approle', { role_id: 'r', secret_id: canaries.secretId }],
  ['AppRole without a secret id', { ROLE_ID: 'r' }, 'approle', { role_id: 'r' }],
  ['AppRole by a file', { ROLE_ID: 'r', SECRET_ID_FILE: file('id', 'i\n') }, 'approle', { role_id: 'r', secret_id: 'i' }],
  ['AppRole at a mount', { ROLE_ID: 'r', AUTH_MOUNT: 'teams' }, 'teams', { role_id: 'r' }],
  ['JWT', { JWT: 'j', ROLE: 'ci' }, 'jwt', { jwt: 'j', role: 'ci' }],
  ['JWT by a file, with the default role', { JWT_FILE: file('jwt', 'j') }, 'jwt', { jwt: 'j' }],
])('the variables log in by %s', async (_, variables, mount, body) => {
  const stub = await stubVault()
  const own = Object.fromEntries(Object.entries(variables).map(([name, value]) => [`FINCHAT_VAULT_${name}`, value]))
  const env = { ...chosen, FINCHAT_VAULT_URL: stub.url, FINCHAT_VAULT_MOUNT: 'kv', FINCHAT_VAULT_NAMESPACE: 'team', ...own }
  const secrets = secretsManagerFromEnv({ vault: vaultFromEnv }, { env })
  await codeOf(secrets.getSecret('app'))
  await secrets.close()
  const login = stub.requests.find(({ path }) => path.endsWith('/login'))
  expect(login).toMatchObject({ path: `/v1/auth/${mount}/login`, headers: { 'x-vault-namespace': 'team' } })
  expect(JSON.parse(String(login?.body))).toEqual(body)
  expect(stub.requests.some(({ path }) => path.startsWith('/v1/kv/'))).toBe(true)
})

test("the role alone logs in with the token of the pod's service account", () => {
  const asked = { FINCHAT_VAULT_URL: 'https://vault.example', FINCHAT_VAULT_ROLE: 'app' }
  const reader = {
    optional: (name: string) => Reflect.get(asked, name) as string,
    required: () => asked.FINCHAT_VAULT_URL,
    names: () => ({}),
  }
  expect(() => vaultFromEnv({ ...reader, problem: (message) => expect.unreachable(message) })).not.toThrow()
})

test('a token file is read again when Vault refuses the former', async () => {
  const stub = await stubVault()
  const path = file('token', 'first')
  const env = { ...chosen, FINCHAT_VAULT_URL: stub.url, FINCHAT_VAULT_TOKEN_FILE: path, FINCHAT_SECRETS_CACHE_TTL: '0' }
  const secrets = secretsManagerFromEnv({ vault: vaultFromEnv }, { env })
  await secrets.getSecret('app')
  file('token', 'second')
  stub.plan(({ headers, path: asked }) =>
    headers['x-vault-token'] === 'first' ? { status: 403, body: { errors: ['permission denied'] } } : usual(asked),
  )
  expect(await secrets.getSecret('app')).toBeDefined()
  expect(stub.requests.at(-1)?.headers['x-vault-token']).toBe('second')
  await secrets.close()
})

test.each([
  [{ TOKEN: 'c4n4ry', TOKEN_FILE: '/run/token' }, 'set either FINCHAT_VAULT_TOKEN or FINCHAT_VAULT_TOKEN_FILE'],
  [{ TOKEN: 'c4n4ry', ROLE_ID: 'r' }, 'set one login: '],
  [{ ROLE_ID: 'r', ROLE: 'app' }, 'set one login: '],
  [{ ROLE_ID: 'r', JWT: 'c4n4ry' }, 'set one login: '],
  [{ SECRET_ID: 'c4n4ry' }, 'FINCHAT_VAULT_SECRET_ID is given without FINCHAT_VAULT_ROLE_ID'],
  [{ TOKEN: 'c4n4ry', AUTH_MOUNT: 'teams' }, 'FINCHAT_VAULT_AUTH_MOUNT is of no token'],
  [{ ROLE: 'app', AUTH_MOUNT: 'auth/teams' }, 'begins with auth/'],
  [{ MOUNT: '/kv/' }, 'FINCHAT_VAULT_MOUNT is malformed'],
])('a login of %j is a problem', (variables, problem) => {
  const own = Object.fromEntries(Object.entries(variables).map(([name, value]) => [`FINCHAT_VAULT_${name}`, value]))
  const make = (): unknown =>
    secretsManagerFromEnv({ vault: vaultFromEnv }, { env: { ...chosen, FINCHAT_VAULT_URL: 'https://vault.example', ...own } })
  expect(make).toThrow(problem)
  expect(make).not.toThrow('c4n4ry')
})
