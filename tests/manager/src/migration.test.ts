import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecretsManager, type ProviderFromEnv, SecretsError, secretsManagerFromEnv } from '@finchat/secrets-core'
import { locator, namesFromEnv } from '@finchat/secrets-core/provider'
import { generateKey, localFromEnv, localProvider } from '@finchat/secrets-provider-local'
import { memoryProvider } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())
afterEach(() => void vi.restoreAllMocks())

/** A Vault whose policy allows `finchat/*`, and which may be down. */
function vaultOf(secrets: Record<string, string>): { vault: ProviderFromEnv; goDown: () => void } {
  const store = memoryProvider({ name: 'vault', secrets })
  let isDown = false
  const vault: ProviderFromEnv = (env) => ({
    ...store,
    locate: locator(namesFromEnv(env, 'VAULT')),
    get: async (path, context) => {
      if (isDown) throw new SecretsError('UNAVAILABLE', 'down')
      if (!path.startsWith('finchat/')) throw new SecretsError('PERMISSION_DENIED', 'not allowed')
      return store.get(path, context)
    },
  })
  return { vault, goDown: () => void (isDown = true) }
}

type Value = readonly [value: string, provider: string, degraded: boolean]

/** What the application of docs/migration.md reads, with these variables. */
async function read(available: Record<string, ProviderFromEnv>, env: Record<string, string>, name: string): Promise<Value> {
  const secrets = secretsManagerFromEnv({ local: localFromEnv, ...available }, { env })
  const value = await secrets.getSecretValue(name)
  const answer: Value = [value.reveal(), value.provider, value.degraded]
  await secrets.close()
  return answer
}

describe('the five phases', () => {
  const variables = { FINCHAT_TOKEN: 't1', LOG_LEVEL: 'info' }
  const first = { FINCHAT_SECRETS_PROVIDER: 'vault', FINCHAT_VAULT_PREFIX: 'finchat/' }
  const named = { FINCHAT_SECRETS_PROVIDER: 'vault', FINCHAT_VAULT_NAMES: 'FINCHAT_TOKEN=finchat/token', FINCHAT_VAULT_ONLY_NAMED: 'true' }

  test('1 and 2: variables alone, and behind a store that does not have the secrets yet', async () => {
    for (const env of [variables, { ...first, ...variables }])
      expect(await read({ vault: vaultOf({}).vault }, env, 'FINCHAT_TOKEN')).toEqual(['t1', 'env', false])
  })

  test.each([first, named])('3: a moved secret comes from the store, and in its outage from the variable: %j', async (settings) => {
    const path = settings === first ? 'finchat/FINCHAT_TOKEN' : 'finchat/token'
    const { vault, goDown } = vaultOf({ [path]: 't1' })
    expect(await read({ vault }, { ...settings, ...variables }, 'FINCHAT_TOKEN')).toEqual(['t1', 'vault', false])
    expect(await read({ vault }, { ...settings, ...variables }, 'LOG_LEVEL')).toEqual(['info', 'env', false])
    goDown()
    expect(await read({ vault }, { ...settings, ...variables }, 'FINCHAT_TOKEN')).toEqual(['t1', 'env', true])
  })

  test('4 and 5: without the variable the store answers, and in its outage the local fallback', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'migration-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const [path, key] = [join(folder, 'secrets.db'), generateKey()]
    const fallback = createSecretsManager({ providers: [localProvider({ path, key })] })
    await fallback.rotateSecret('FINCHAT_TOKEN', 't2')
    await fallback.close()
    const local = {
      FINCHAT_SECRETS_FALLBACKS: 'local,env',
      FINCHAT_LOCAL_PATH: path,
      FINCHAT_ENCRYPTION_KEY: key,
      FINCHAT_LOCAL_MUST_EXIST: 'true',
    }
    const { vault, goDown } = vaultOf({ 'finchat/token': 't2' })
    const env = { ...named, ...local, LOG_LEVEL: 'info' }
    expect(await read({ vault }, env, 'FINCHAT_TOKEN')).toEqual(['t2', 'vault', false])
    goDown()
    expect(await read({ vault }, env, 'FINCHAT_TOKEN')).toEqual(['t2', 'local', true])
    expect(await read({ vault }, env, 'LOG_LEVEL')).toEqual(['info', 'env', false])
  })
})

describe('names and versions of the earlier system', () => {
  test('a raw path of Vault may stay as a name', async () => {
    const { vault } = vaultOf({ 'finchat/token': '{"token":"t1"}' })
    const env = { FINCHAT_SECRETS_PROVIDER: 'vault', FINCHAT_VAULT_NAMES: 'secret/data/finchat/token=finchat/token#token' }
    expect(await read({ vault }, env, 'secret/data/finchat/token')).toEqual(['t1', 'vault', false])
  })

  test('a version asked of variables is not the current value', async () => {
    const secrets = secretsManagerFromEnv({}, { env: { FINCHAT_TOKEN: 't1' } })
    await expect(secrets.getSecret('FINCHAT_TOKEN', { version: 1 })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  test('version 1 creates a secret and replaces none', async () => {
    const secrets = createSecretsManager({ providers: [memoryProvider()] })
    await secrets.storeSecret('api_key', 'first', { version: 1 })
    await expect(secrets.storeSecret('api_key', 'second', { version: 1 })).rejects.toMatchObject({ code: 'VERSION_CONFLICT' })
    expect((await secrets.rotateSecret('api_key', 'second')).version).toBe(2)
  })

  test('a denial is no "not found", unless its row is overridden', async () => {
    const { vault } = vaultOf({})
    const env = { FINCHAT_SECRETS_PROVIDER: 'vault', LOG_LEVEL: 'info' }
    await expect(read({ vault }, env, 'LOG_LEVEL')).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
    const secrets = secretsManagerFromEnv({ vault }, { env, fallback: { PERMISSION_DENIED: 'next' } })
    expect(await secrets.getSecret('LOG_LEVEL')).toBe('info')
  })
})
