import { describe, expect, it, vi } from 'vitest'
import type { SecretProvider } from '../contract/provider.ts'
import { locator } from '../chain/locator.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { failureOf, refusal } from '../testing/refusal.ts'
import type { Environment } from './env-provider.ts'
import type { EnvironmentReader, ProviderFromEnv } from './environment-reader.ts'
import { secretsManagerFromEnv } from './manager-from-env.ts'
import { namesFromEnv } from './names-from-env.ts'

/** A Vault whose policy allows `finchat/*` alone. */
const get = vi.fn<SecretProvider['get']>(async (path) => {
  if (!path.startsWith('finchat/')) throw new SecretsError('PERMISSION_DENIED', 'the policies do not allow it', { remedy: 'allow it' })
  return path === 'finchat/token' ? { value: 't' } : undefined
})
const vault: ProviderFromEnv = (env) => ({ specificationVersion: 'v1', name: 'vault', locate: locator(namesFromEnv(env, 'VAULT')), get })
const chosen = { FINCHAT_SECRETS_PROVIDER: 'vault', LOG_LEVEL: 'info' }
const names = { FINCHAT_VAULT_NAMES: 'FINCHAT_TOKEN=finchat/token' }

function read(name: string, env: Environment): Promise<string> {
  return secretsManagerFromEnv({ vault }, { env: { ...chosen, ...env } }).getSecret(name)
}

describe('a policy that denies all but a few paths', () => {
  it('stops the chain for a variable that Vault may not be asked for, and names the way out', async () => {
    expect(await refusal(read('LOG_LEVEL', names))).toMatchObject({
      code: 'PERMISSION_DENIED',
      remedy: 'allow it: FINCHAT_VAULT_ONLY_NAMED=true asks vault for nothing but FINCHAT_VAULT_NAMES',
    })
  })

  it('works with FINCHAT_VAULT_ONLY_NAMED, which asks for mapped names alone', async () => {
    get.mockClear()
    const env = { ...names, FINCHAT_VAULT_ONLY_NAMED: 'true' }
    expect([await read('LOG_LEVEL', env), await read('FINCHAT_TOKEN', env)]).toEqual(['info', 't'])
    expect(get.mock.calls.map(([path]) => path)).toEqual(['finchat/token'])
  })

  it('works with FINCHAT_VAULT_PREFIX, which leads every name into the allowed folder', async () => {
    const env = { FINCHAT_VAULT_PREFIX: 'finchat/' }
    expect([await read('LOG_LEVEL', env), await read('token', env)]).toEqual(['info', 't'])
  })
})

describe('the environment itself', () => {
  it('has the same variables', async () => {
    const env = { APP_A: 'a', FINCHAT_ENV_PREFIX: 'APP_', FINCHAT_ENV_NAMES: 'B=LOG_LEVEL', LOG_LEVEL: 'info' }
    const secrets = secretsManagerFromEnv({}, { env })
    expect([await secrets.getSecret('A'), await secrets.getSecret('B')]).toEqual(['a', 'info'])
  })
})

describe('a name that is found nowhere', () => {
  it.each([{}, names])('shows the variable that would map it, with %j', async (env) => {
    expect(await refusal(read('missing', { ...env, FINCHAT_VAULT_PREFIX: 'finchat/' }))).toMatchObject({
      code: 'NOT_FOUND',
      message: "Secret 'missing' not found in any provider",
      remedy: 'if it is kept under another path, map it in FINCHAT_VAULT_NAMES: missing=path or missing=path#field',
    })
  })

  it('shows it in a batch, and where no provider is asked', async () => {
    const env = { ...chosen, ...names, FINCHAT_VAULT_ONLY_NAMED: 'true', FINCHAT_SECRETS_FALLBACKS: '' }
    const [result] = await secretsManagerFromEnv({ vault }, { env }).getSecretValues([{ name: 'db' }])
    expect(result).toMatchObject({ reason: { remedy: expect.stringContaining('map it in FINCHAT_VAULT_NAMES: db=path') } })
  })

  it('shows nothing new with variables alone, or a provider of an application', async () => {
    const own = (): SecretProvider => ({ specificationVersion: 'v1', name: 'own', get: async () => undefined })
    for (const FINCHAT_SECRETS_PROVIDER of ['env', 'own'])
      expect((await refusal(secretsManagerFromEnv({ own }, { env: { FINCHAT_SECRETS_PROVIDER } }).getSecret('missing'))).remedy).toBe(
        undefined,
      )
  })

  it('keeps the remedy of a denial by a provider without these variables', async () => {
    const own = (): SecretProvider => ({ specificationVersion: 'v1', name: 'own', get })
    const error = await refusal(secretsManagerFromEnv({ own }, { env: { FINCHAT_SECRETS_PROVIDER: 'own' } }).getSecret('missing'))
    expect([error.code, error.remedy]).toEqual(['PERMISSION_DENIED', 'allow it'])
  })
})

describe('variables that contradict each other', () => {
  it.each<[Environment, string]>([
    [{ FINCHAT_VAULT_ONLY_NAMED: 'true' }, 'FINCHAT_VAULT_ONLY_NAMED is true, but FINCHAT_VAULT_NAMES names nothing to ask for'],
    [
      { ...names, FINCHAT_VAULT_ONLY_NAMED: 'true', FINCHAT_VAULT_PREFIX: 'x/' },
      'FINCHAT_VAULT_PREFIX goes before no name while FINCHAT_VAULT_ONLY_NAMED is true: unset one of them',
    ],
    [{ ...names, FINCHAT_VAULT_ONLY_NAMED: 'True' }, 'FINCHAT_VAULT_ONLY_NAMED is neither true nor false'],
  ])('are one line: %j', (env, line) => {
    const error = failureOf(() => secretsManagerFromEnv({ vault }, { env: { ...chosen, ...env } }))
    expect([error.code, error.problem.split('\n  ').slice(1)]).toEqual(['CONFIGURATION', [line]])
  })

  it('are none with false, or an empty variable', () => {
    const asked = (env: Environment): unknown => {
      const reader: EnvironmentReader = {
        optional: (name) => env[name] || undefined,
        required: () => '',
        names: () => ({}),
        problem: vi.fn(),
      }
      return [namesFromEnv(reader, 'VAULT'), vi.mocked(reader.problem).mock.calls.length]
    }
    const nothing = { names: {}, prefix: undefined, onlyNamed: false }
    expect(asked({ FINCHAT_VAULT_ONLY_NAMED: 'false' })).toEqual([nothing, 0])
    expect(asked({ FINCHAT_VAULT_ONLY_NAMED: '', FINCHAT_VAULT_PREFIX: '' })).toEqual([nothing, 0])
  })
})
