import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { secretsManagerFromEnv } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import { localFromEnv } from './from-env.ts'
import { context, failure, temporaryFolder, within } from './testing/temporary-store.ts'

const key = '00112233445566778899aabbccddeeff'.repeat(2)

test('the variables set path, key and names', async () => {
  const path = join(temporaryFolder(), 'secrets.db')
  await within(path, (provider) => provider.put('finchat/token', { value: '{"token":"from the store"}', shape: 'map' }, context), { key })
  const env = {
    FINCHAT_SECRETS_PROVIDER: 'local',
    FINCHAT_LOCAL_PATH: path,
    FINCHAT_ENCRYPTION_KEY: key,
    FINCHAT_LOCAL_NAMES: 'FINCHAT_TOKEN=finchat/token#token',
  }
  const secrets = secretsManagerFromEnv({ local: localFromEnv }, { env })
  expect(await secrets.getSecret('FINCHAT_TOKEN')).toBe('from the store')
  await secrets.close()
})

test('a missing key, a short key and a malformed list are each one line of one error', () => {
  const base = { FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_LOCAL_PATH: ':memory:' }
  const problem = (env: Record<string, string>): string => {
    try {
      secretsManagerFromEnv({ local: localFromEnv }, { env: { ...base, ...env } })
    } catch (error) {
      return String(error)
    }
    return 'no problem'
  }
  expect(problem({ FINCHAT_ENCRYPTION_KEY: key })).toBe('no problem')
  expect(problem({})).toContain('FINCHAT_ENCRYPTION_KEY is not set')
  expect(problem({})).toContain(`node -p "require('@finchat/secrets-provider-local').generateKey()"`)
  expect(problem({ FINCHAT_ENCRYPTION_KEY: 'c4n4ry-short' })).toContain(
    'FINCHAT_ENCRYPTION_KEY: Encryption key must be at least 32 bytes long',
  )
  expect(problem({ FINCHAT_ENCRYPTION_KEY: 'c4n4ry-short' })).not.toContain('c4n4ry')
  expect(problem({ FINCHAT_ENCRYPTION_KEY: key, FINCHAT_LOCAL_NAMES: 'broken' })).toContain('FINCHAT_LOCAL_NAMES')
  expect(problem({ FINCHAT_ENCRYPTION_KEY: key, FINCHAT_LOCAL_MUST_EXIST: 'True' })).toContain(
    'FINCHAT_LOCAL_MUST_EXIST is neither true nor false',
  )
  for (const keep of ['0', '-1', '1e3', '1.5', ' 5', 'ALL', 'Infinity', '99999999999999999999']) {
    expect(problem({ FINCHAT_ENCRYPTION_KEY: key, FINCHAT_LOCAL_KEEP_VERSIONS: keep }), keep).toContain(
      'FINCHAT_LOCAL_KEEP_VERSIONS is neither a number of versions nor all',
    )
  }
})

test('FINCHAT_ENCRYPTION_OTHER_KEY opens what it sealed, and seals nothing', async () => {
  const path = join(temporaryFolder(), 'secrets.db')
  const next = 'ffeeddccbbaa99887766554433221100'.repeat(2)
  const settings = { FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_LOCAL_PATH: path }
  const open = (env: Record<string, string>) => secretsManagerFromEnv({ local: localFromEnv }, { env: { ...settings, ...env } })
  const write = async (env: Record<string, string>, name: string): Promise<void> => {
    const secrets = open(env)
    await secrets.storeSecret(name, 'value')
    await secrets.close()
  }
  await write({ FINCHAT_ENCRYPTION_KEY: key, FINCHAT_ENCRYPTION_OTHER_KEY: next }, 'first')
  await within(path, async (provider) => expect((await provider.get('first', context))?.value).toBe('value'), { keys: [key] })
  await write({ FINCHAT_ENCRYPTION_KEY: next, FINCHAT_ENCRYPTION_OTHER_KEY: key }, 'second')
  const secrets = open({ FINCHAT_ENCRYPTION_KEY: next, FINCHAT_ENCRYPTION_OTHER_KEY: key })
  expect([await secrets.getSecret('first'), await secrets.getSecret('second')]).toEqual(['value', 'value'])
  await secrets.close()
  expect(() => open({ FINCHAT_ENCRYPTION_KEY: key, FINCHAT_ENCRYPTION_OTHER_KEY: 'c4n4ry-short' })).toThrow(
    'FINCHAT_ENCRYPTION_OTHER_KEY: Encryption key must be at least 32 bytes long',
  )
})

test('FINCHAT_LOCAL_KEEP_VERSIONS sets how many versions a write leaves', async () => {
  for (const [keep, first] of [
    ['2', 'not there'],
    ['all', 'v1'],
  ] as const) {
    const env = { FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_LOCAL_PATH: ':memory:', FINCHAT_ENCRYPTION_KEY: key }
    const secrets = secretsManagerFromEnv({ local: localFromEnv }, { env: { ...env, FINCHAT_LOCAL_KEEP_VERSIONS: keep } })
    for (let n = 1; n <= 103; n++) await secrets.rotateSecret('name', `v${n}`)
    expect(await secrets.getSecret('name', { version: 1 }).catch(() => 'not there')).toBe(first)
    await secrets.close()
  }
})

test('FINCHAT_LOCAL_MUST_EXIST makes a missing file an error', async () => {
  const path = join(temporaryFolder(), 'secrets.db')
  const env = { FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_LOCAL_PATH: path, FINCHAT_ENCRYPTION_KEY: key }
  for (const [mustExist, code] of [
    ['true', 'CONFIGURATION'],
    ['false', 'NOT_FOUND'],
  ] as const) {
    const secrets = secretsManagerFromEnv({ local: localFromEnv }, { env: { ...env, FINCHAT_LOCAL_MUST_EXIST: mustExist } })
    expect((await failure(secrets.getSecret('name'))).code).toBe(code)
    await secrets.close()
  }
})

test('the path defaults to .secrets.db', () => {
  const asked: string[] = []
  const provider = localFromEnv({
    optional: (variable) => void asked.push(variable),
    required: () => key,
    names: () => ({}),
    problem: () => {},
  })
  expect(asked).toEqual([
    'FINCHAT_ENCRYPTION_KEY',
    'FINCHAT_ENCRYPTION_KEY_FILE',
    'FINCHAT_ENCRYPTION_OTHER_KEY',
    'FINCHAT_ENCRYPTION_OTHER_KEY_FILE',
    'FINCHAT_LOCAL_PATH',
    'FINCHAT_LOCAL_PREFIX',
    'FINCHAT_LOCAL_ONLY_NAMED',
    'FINCHAT_LOCAL_MUST_EXIST',
    'FINCHAT_LOCAL_STORE_ID',
    'FINCHAT_LOCAL_KEEP_VERSIONS',
  ])
  expect(provider.name).toBe('local')
})

test.each(['', '\n', '\r\n'])('FINCHAT_ENCRYPTION_KEY_FILE names the file of the key, which may end in %j', async (end) => {
  const folder = temporaryFolder()
  const [path, file] = [join(folder, 'secrets.db'), join(folder, 'key')]
  await within(path, (provider) => provider.put('name', { value: 'v1' }, context), { key })
  writeFileSync(file, `\ufeff${key}${end}`)
  const env = { FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_LOCAL_PATH: path, FINCHAT_ENCRYPTION_KEY_FILE: file }
  const secrets = secretsManagerFromEnv({ local: localFromEnv }, { env })
  expect(await secrets.getSecret('name')).toBe('v1')
  await secrets.close()
})

test('a file that holds no key is a problem that names the variable, and shows neither path nor content', () => {
  const folder = temporaryFolder()
  const write = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  execFileSync('mkfifo', [join(folder, 'c4n4ry-fifo')])
  const problem = (file: string, more: Record<string, string> = {}): string => {
    try {
      secretsManagerFromEnv(
        { local: localFromEnv },
        { env: { FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_ENCRYPTION_KEY_FILE: file, ...more } },
      )
    } catch (error) {
      return String(error)
    }
    return 'no problem'
  }
  const unusable = {
    [join(folder, 'c4n4ry-none')]: 'a file that does not exist',
    [join(write('c4n4ry-file', ''), 'below')]: 'a file that does not exist',
    [join(folder, 'c4n4ry-fifo')]: 'no regular file',
    [folder]: 'no regular file',
    [write('large', 'c4n4ry'.repeat(20_000))]: 'a file of more than 65536 bytes, which is no key',
    [write('bytes', Uint8Array.of(0xff))]: 'a file that cannot be read as text',
  }
  for (const [file, what] of Object.entries(unusable)) expect(problem(file)).toContain(`FINCHAT_ENCRYPTION_KEY_FILE names ${what}`)
  expect(problem(write('short', 'c4n4ry'))).toContain('FINCHAT_ENCRYPTION_KEY_FILE: Encryption key must be at least')
  expect(problem(write('empty', '\n'))).toContain('generate a key once')
  expect(problem(write('key', key), { FINCHAT_ENCRYPTION_KEY: key })).toContain('set either FINCHAT_ENCRYPTION_KEY or')
  for (const file of [...Object.keys(unusable), join(folder, 'short')]) expect(problem(file)).not.toContain('c4n4ry')
})
