import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { generateKey } from '@finchat/secrets-provider-local'
import { leaksOf } from '@finchat/secrets-testkit'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { CredentialSource } from './config.ts'
import { makeProject } from '../testing/make-project.ts'
import { loadConfig, type LoadConfigOptions } from './load-config.ts'

const file = 'finchat-secrets.config.json'
const local = { provider: 'local', local: { key: { variable: 'APP_KEY' } } }
const project = (config: object, more: Record<string, string> = {}): string => makeProject({ [file]: JSON.stringify(config), ...more })

async function errorOf(options: LoadConfigOptions): Promise<SecretsError> {
  const error: unknown = await loadConfig(options).catch((thrown: unknown) => thrown)
  if (SecretsError.isInstance(error)) return error
  throw new Error('it was no SecretsError', { cause: error })
}

describe('loadConfig', () => {
  it('makes a manager from the nearest file, and gives the schema and the chain', async () => {
    const secrets = { TOKEN: { description: 'of the API' } }
    const cwd = project({ ...local, secrets })
    const loaded = await loadConfig({ cwd, env: { APP_KEY: generateKey() } })
    await loaded.secrets.storeSecret('TOKEN', 'v1')
    expect({ file: loaded.file, schema: loaded.schema, chain: loaded.chain }).toEqual({
      file: join(cwd, file),
      schema: secrets,
      chain: ['local', 'env'],
    })
    expect(existsSync(join(cwd, '.secrets.db'))).toBe(true) // beside the file, not where the process is
    await loaded.secrets.close()
  })

  it.each<[member: string, value: unknown]>([
    ['name', 'OTHER'],
    ['field', 'f'],
    ['type', 'json'],
    ['secrets', { TOKEN: { name: 'OTHER' } }],
    ['providers', { env: () => undefined }],
    ['fallbacks', ['local']],
    ['local', { path: '/elsewhere' }],
    ['audit', { line: 'stderr' }],
    ['file', '/elsewhere.json'],
    ['cwd', '/'],
    ['env', {}],
  ])('takes nothing from a polluted prototype: %s', async (member, value) => {
    const options = { cwd: project({ provider: 'env', secrets: { TOKEN: {} } }), env: { TOKEN: 'v1', OTHER: 'v2' } }
    Reflect.defineProperty(Object.prototype, member, { value, configurable: true, writable: true, enumerable: true })
    try {
      const { secrets, chain } = await loadConfig(options)
      expect([await secrets.getSecret('TOKEN'), chain]).toEqual(['v1', ['env']])
      await secrets.close()
    } finally {
      Reflect.deleteProperty(Object.prototype, member)
    }
  })

  it('refuses an option that it does not know', async () => {
    await expect(loadConfig({ path: 'x' } as LoadConfigOptions)).rejects.toMatchObject({
      code: 'CONFIGURATION',
      problem: 'the option "path" is not known',
    })
  })

  it('makes one from variables alone', async () => {
    const { file: none, chain, schema, secrets } = await loadConfig({ cwd: makeProject({}), env: { TOKEN: 'of-env' } })
    expect({ none, chain, schema, token: await secrets.getSecret('TOKEN') }).toEqual({
      none: undefined,
      chain: ['env'],
      schema: {},
      token: 'of-env',
    })
    await secrets.close()
  })

  it.each<[string, object, Record<string, string>, boolean]>([
    ['nothing configures it', {}, {}, true],
    ['a variable configures it', {}, { FINCHAT_SECRETS_PROVIDER: 'env' }, false],
    ['the variables are given', { env: {} }, {}, false],
    ['there is a file', { cwd: project({}) }, {}, false],
    ['a file is named', { file: join(project({}), file) }, {}, false],
  ])('warns of a folder without a file where %s: %j', async (_, options, variables, isWarned) => {
    const cwd = makeProject({})
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => void [vi.unstubAllEnvs(), warn.mockRestore()])
    await (await loadConfig({ cwd, ...options })).secrets.close()
    const text = `no ${file} was found in ${cwd}, so that loadConfig() reads nothing but variables: pass \`file\` or \`cwd\``
    expect(warn.mock.calls).toEqual(isWarned ? [[text, { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_NO_CONFIG' }]] : [])
  })

  it('lets variables override the file', async () => {
    const cwd = project({ ...local, fallbacks: ['env'], local: { ...local.local, names: { A: 'b' } } })
    const env = { FINCHAT_ENCRYPTION_KEY: generateKey(), FINCHAT_LOCAL_PATH: ':memory:', FINCHAT_SECRETS_FALLBACKS: '' }
    const { chain, secrets } = await loadConfig({ cwd, env })
    await secrets.storeSecret('A', 'v1')
    expect(chain).toEqual(['local'])
    expect(existsSync(join(cwd, '.secrets.db'))).toBe(false)
    const paths: string[] = []
    for await (const { path } of secrets.listSecrets()) paths.push(path)
    expect(paths).toEqual(['b'])
    await secrets.close()
  })

  it('reads a key from a file beside it, without its line end', async () => {
    const cwd = project({ provider: 'local', local: { key: { file: 'keys/local.key' } } }, { 'keys/local.key': `${generateKey()}\n` })
    const { secrets } = await loadConfig({ cwd, env: {} })
    await secrets.storeSecret('TOKEN', 'v1')
    expect(await secrets.getSecret('TOKEN')).toBe('v1')
    await secrets.close()
  })

  it('passes the file of an identity on, which its provider reads', async () => {
    const cwd = project({ provider: 'sops', fallbacks: [], sops: { file: 'secrets.json', identity: { file: 'age.key' } } })
    const { secrets } = await loadConfig({ cwd, env: {} })
    await expect(secrets.getSecret('A')).rejects.toMatchObject({ code: 'CONFIGURATION' })
    await secrets.close()
  })

  it.each([
    [{ variable: 'APP_KEY' }, 'CREDENTIALS_MISSING', 'local.key is in the variable APP_KEY, which is not set'],
    [{ file: 'no.key' }, 'CREDENTIALS_MISSING', /^local\.key is in the file \/.*\/no\.key, which does not exist$/],
    [{ file: '.' }, 'CONFIGURATION', 'which is not a regular file'],
  ])('names the place of a key that is not there: %j', async (key, code, problem) => {
    const error = await errorOf({ cwd: project({ provider: 'local', local: { key } }), env: {} })
    expect(error.code).toBe(code)
    expect(error.problem).toEqual(typeof problem === 'string' ? expect.stringContaining(problem) : expect.stringMatching(problem))
  })

  it('says in a fresh clone, which has neither key nor store, where both come from', async () => {
    const key = { file: 'my keys/app.key' }
    const cwd = project({ provider: 'local', local: { key } })
    const { remedy } = await errorOf({ cwd, env: { DATABASE_URL: 'of-env' } })
    expect(remedy).toContain(`or begin a new store by finchat-secrets keygen --output '${join(cwd, 'my keys/app.key')}'`)
    expect(remedy).toMatch(/; where variables have all secrets, set FINCHAT_SECRETS_PROVIDER=env$/)
    const withStore = await errorOf({ cwd: project({ provider: 'local', local: { key } }, { '.secrets.db': '' }), env: {} })
    expect(withStore.remedy).toMatch(/^bring the file from where it is kept: no other key opens the store;/)
  })

  it.each<[object, CredentialSource, object]>([
    [{ fallbacks: ['env'] }, { file: 'no.key' }, { FINCHAT_SECRETS_PROVIDER: 'env' }],
    [{ fallbacks: ['local'] }, { file: 'no.key' }, { FINCHAT_SECRETS_PROVIDER: 'env', FINCHAT_SECRETS_FALLBACKS: '' }],
    [{ fallbacks: [] }, { variable: 'APP_KEY' }, { FINCHAT_SECRETS_PROVIDER: 'env' }],
    [{ fallbacks: [] }, { keychain: 'no entry' }, { FINCHAT_SECRETS_PROVIDER: 'env' }],
  ])('needs no key of a store that the variables leave out: %j %j', async (chain, key, env) => {
    const cwd = project({ provider: 'local', ...chain, local: { key } })
    const missing = await errorOf({ cwd, env: { TOKEN: 'of-env' } })
    if ('file' in key)
      expect(missing.remedy).toContain(
        `set ${Object.entries(env)
          .map((each) => each.join('='))
          .join(' ')}`,
      )
    const { chain: names, secrets } = await loadConfig({ cwd, env: { ...env, TOKEN: 'of-env' } })
    expect([names, await secrets.getSecret('TOKEN')]).toEqual([['env'], 'of-env'])
    await secrets.close()
  })

  it.each([generateKey(), '9f'.repeat(32), `hvs.${'CAESIJ1'.repeat(6)}`])('never shows a key in the place of its file', async (key) => {
    const error = await errorOf({ cwd: project({ provider: 'local', local: { key: { file: key } } }), env: {} })
    expect(error.problem).toBe('local.key is in a file whose name may be the credential itself, which does not exist')
    expect(leaksOf(error, key)).toEqual([])
  })

  it("hands a token's file to its provider, which reads it when it is used", async () => {
    const cwd = project({ provider: 'vault', vault: { url: 'http://127.0.0.1:9', token: { file: 'run/token' } } })
    const { secrets } = await loadConfig({ cwd, env: { TOKEN: 'of-env' } })
    const answer = await secrets.getSecretValue('TOKEN') // the agent has not written it yet
    expect(answer).toMatchObject({ provider: 'env', degraded: true })
    await secrets.close()
  })

  it('says what is wrong in the words of the file', async () => {
    const error = await errorOf({ cwd: project({ provider: 'vault', local: { keepVersions: 2 } }), env: {} })
    expect(error.message).toContain('vault.url (FINCHAT_VAULT_URL) is not set')
    expect(error.message).toContain(`${file} and the environment variables do not configure a secrets manager`)
  })

  it.each(['{ "local": { "key": "canary-4711" }', '{ "provider": canary-4711 }', '"canary-4711"', '{ "local": { "key": "canary-4711" } }'])(
    'never quotes a malformed file: %s',
    async (text) => {
      const error = await errorOf({ cwd: makeProject({ [file]: text }), env: {} })
      expect(error.code).toBe('CONFIGURATION')
      expect(leaksOf(error, 'canary-4711')).toEqual([])
    },
  )

  it('says where a file is no JSON, and which file is missing', async () => {
    expect((await errorOf({ cwd: makeProject({ [file]: '{\n  x' }), env: {} })).problem).toBe(`${file} is not JSON (line 2 column 3)`)
    expect((await errorOf({ cwd: makeProject({}), file: 'other.json', env: {} })).problem).toBe('there is no other.json')
  })

  it('reads a file that begins with a byte order mark', async () => {
    const { chain, secrets } = await loadConfig({ cwd: makeProject({ [file]: '\ufeff{}' }), env: {} })
    expect(chain).toEqual(['env'])
    await secrets.close()
  })

  it('never answers what configures a store as a secret', async () => {
    const { secrets } = await loadConfig({ cwd: project(local), env: { APP_KEY: generateKey() } })
    await expect(secrets.getSecret('FINCHAT_ENCRYPTION_KEY')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await secrets.close()
  })

  it('audits if the file asks for it', async () => {
    const error = await errorOf({ cwd: project({ audit: { folder: 'trail', checkpoints: 'trail' } }), env: {} })
    expect(error.message).toContain('audit')
  })
})

describe('a provider of another package', () => {
  const myStore = { provider: 'my-store', fallbacks: [], providers: { 'my-store': '@acme/my-store/provider' } }
  const packaged = {
    'node_modules/@acme/my-store/package.json': '{"name":"@acme/my-store","type":"module","exports":{"./provider":"./provider.js"}}',
    'node_modules/@acme/my-store/provider.js': `export const myStoreFromEnv = ({ required }) => {
      const value = required('FINCHAT_MY_STORE_VALUE')
      return { specificationVersion: 'v1', name: 'my-store', get: async () => ({ value }) }
    }`,
  }

  it('is loaded by its name in the file, and reads its own variables', async () => {
    const cwd = project(myStore, packaged)
    const { chain, secrets } = await loadConfig({ cwd, env: { FINCHAT_MY_STORE_VALUE: 'v1' } })
    expect(chain).toEqual(['my-store'])
    expect(await secrets.getSecret('TOKEN')).toBe('v1')
    await secrets.close()
    expect((await errorOf({ cwd, env: {} })).problem).toContain('FINCHAT_MY_STORE_VALUE is not set')
  })

  it('may be a function of a configuration that is a program', async () => {
    const program = `const get = async () => ({ value: 'v2' })
      export default { provider: 'own', providers: { own: () => ({ specificationVersion: 'v1', name: 'own', get }) } }`
    const { chain, secrets } = await loadConfig({ cwd: makeProject({ 'own.config.mjs': program }), file: 'own.config.mjs', env: {} })
    expect(chain).toEqual(['own', 'env'])
    expect(await secrets.getSecret('TOKEN')).toBe('v2')
    await secrets.close()
  })

  it('is named with the command that installs it, or with the function that its package lacks', async () => {
    const absent = { ...myStore, providers: { 'my-store': '@acme/my-store' } }
    const { problem, remedy } = await errorOf({ cwd: project(absent, { 'package-lock.json': '' }), env: {} })
    expect(problem).toBe('the configuration names my-store, but its package is not installed')
    expect(remedy).toBe('run: npm install @acme/my-store')
    const other = { ...packaged, 'node_modules/@acme/my-store/provider.js': 'export const provider = 1' }
    expect((await errorOf({ cwd: project(myStore, other), env: {} })).problem).toBe('@acme/my-store/provider exports no myStoreFromEnv')
  })
})

describe('a configuration that is a program', () => {
  it('runs if it is named, and is checked as a file is', async () => {
    const cwd = makeProject({
      'secrets.config.mts': `const provider: string = 'env'\nexport default { provider, secrets: { A: {} } }\n`,
      'wrong.config.mjs': 'export default { provder: 1 }\n',
    })
    const { schema, secrets } = await loadConfig({ cwd, file: 'secrets.config.mts', env: {} })
    expect(schema).toEqual({ A: {} })
    await secrets.close()
    expect((await errorOf({ cwd, file: 'wrong.config.mjs', env: {} })).problem).toContain('did you mean provider?')
  })

  it('shows nothing of what it throws', async () => {
    const cwd = makeProject({ 'a.mjs': `throw new Error('canary-4711')\n` })
    expect(leaksOf(await errorOf({ cwd, file: 'a.mjs', env: {} }), 'canary-4711')).toEqual([])
  })
})
