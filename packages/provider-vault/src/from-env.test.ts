import { secretsManagerFromEnv } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import { vaultFromEnv } from './from-env.ts'
import { canaries, codeOf, stubVault } from './testing/stub-vault.ts'

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
