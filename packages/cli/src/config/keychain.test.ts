import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { generateKey } from '@finchat/secrets-provider-local'
import { leaksOf } from '@finchat/secrets-testkit'
import { describe, expect, it } from 'vitest'
import { fakeKeyring, keyringWith } from '../testing/fake-keyring.ts'
import { makeProject } from '../testing/make-project.ts'
import { writeKeychain } from './keychain.ts'
import { loadConfig, type LoadConfigOptions } from './load-config.ts'

const config = { provider: 'local', local: { key: { keychain: 'my app' }, path: ':memory:' } }
const project = (keyring: Readonly<Record<string, string>>, content: object = config): string =>
  makeProject({ 'package.json': '{}', 'finchat-secrets.config.json': JSON.stringify(content), ...keyring })

async function roundTrip(options: LoadConfigOptions): Promise<string> {
  const { secrets } = await loadConfig(options)
  await secrets.storeSecret('TOKEN', 'v1')
  const value = await secrets.getSecret('TOKEN')
  await secrets.close()
  return value
}

async function errorOf(options: LoadConfigOptions): Promise<SecretsError> {
  const error: unknown = await loadConfig(options).catch((thrown: unknown) => thrown)
  if (SecretsError.isInstance(error)) return error
  throw new Error('it was no SecretsError')
}

describe('a key in the keychain', () => {
  it('opens the store that the configuration names', async () => {
    expect(await roundTrip({ cwd: project(keyringWith({ 'my app': generateKey() })), env: {} })).toBe('v1')
  })

  it('opens it by variables alone', async () => {
    const cwd = makeProject({ 'package.json': '{}', ...keyringWith({ app: generateKey() }) })
    const env = { FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_LOCAL_PATH: ':memory:', FINCHAT_ENCRYPTION_KEY_KEYCHAIN: 'app' }
    expect(await roundTrip({ cwd, env })).toBe('v1')
  })

  it('gives way to a variable that is set, and is then not asked', async () => {
    const env = { FINCHAT_ENCRYPTION_KEY: generateKey(), FINCHAT_ENCRYPTION_KEY_KEYCHAIN: 'none' }
    expect(await roundTrip({ cwd: project(fakeKeyring), env })).toBe('v1')
  })

  it('of a store that is not asked need not be there', async () => {
    const env = { TOKEN: 'v1', FINCHAT_VAULT_TOKEN_KEYCHAIN: 'none', FINCHAT_SECRETS_PROVIDER: 'env', FINCHAT_SECRETS_FALLBACKS: '' }
    const { secrets } = await loadConfig({ cwd: makeProject({ 'package.json': '{}' }), env })
    expect(await secrets.getSecret('TOKEN')).toBe('v1')
    await secrets.close()
    const asked = await errorOf({ cwd: makeProject({ 'package.json': '{}' }), env: { ...env, FINCHAT_SECRETS_PROVIDER: 'vault' } })
    expect(asked.code).toBe('CREDENTIALS_MISSING')
  })

  it('is no secret that the chain answers', async () => {
    const cwd = makeProject({ 'package.json': '{}', ...keyringWith({ app: generateKey() }) })
    const { secrets } = await loadConfig({ cwd, env: { FINCHAT_ENCRYPTION_KEY_KEYCHAIN: 'app' } })
    await expect(secrets.getSecret('FINCHAT_ENCRYPTION_KEY')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await secrets.close()
  })

  it('that is missing is said with the command that makes one', async () => {
    const error = await errorOf({ cwd: project(keyringWith({})), env: {} })
    expect(error).toMatchObject({
      code: 'CREDENTIALS_MISSING',
      problem: 'local.key is in the keychain entry my app, which is not there',
      remedy: "make a key by `finchat-secrets keygen --keychain 'my app'`, or name another place",
    })
  })

  it('cannot be had without a keychain, and nothing of the library is shown', async () => {
    const error = await errorOf({ cwd: project(fakeKeyring), env: {} })
    expect(error.code).toBe('CREDENTIALS_MISSING')
    expect(error.problem).toContain('there is none here, or it is locked')
    expect(leaksOf(error, 'canary-4711')).toEqual([])
  })
})

describe('writeKeychain', () => {
  it('keeps a text, and never overwrites one', async () => {
    const folder = project(keyringWith({}))
    await writeKeychain('app', 'first', folder)
    await expect(writeKeychain('app', 'canary-4711', folder)).rejects.toMatchObject({
      message: 'the keychain has an entry app, which is not overwritten',
    })
    expect(readFileSync(join(folder, 'node_modules/@napi-rs/keyring/entries.json'), 'utf8')).toBe('{"finchat-secrets/app":"first"}')
  })

  it('tells of a text that another run wrote over it', async () => {
    const folder = project(keyringWith({}))
    const runs = await Promise.allSettled(['canary-one', 'canary-two'].map(async (text) => writeKeychain('app', text, folder)))
    const held = readFileSync(join(folder, 'node_modules/@napi-rs/keyring/entries.json'), 'utf8')
    expect(runs.map(({ status }) => status)).toEqual(held.includes('canary-two') ? ['rejected', 'fulfilled'] : ['fulfilled', 'rejected'])
    expect([...leaksOf(runs, 'canary-one'), ...leaksOf(runs, 'canary-two')]).toEqual([])
  })
})
