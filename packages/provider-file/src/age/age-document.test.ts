import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { createSecretsManager, secretsManagerFromEnv } from '@finchat/secrets-core'
import { testSecretProvider } from '@finchat/secrets-testkit'
import { Decrypter } from 'age-encryption'
import { describe, expect, it, onTestFinished, test, vi } from 'vitest'
import { documentManifest } from '../shared/limits.ts'
import {
  context,
  failure,
  fixtures,
  identity,
  KubernetesVolume,
  listed,
  replaceFile,
  suiteFolder,
  temporaryFolder,
} from '../testing/temporary-files.ts'
import { identityText, sealAge } from '../testing/seal-age.ts'
import { SealedDocument } from '../testing/sealed-document.ts'
import { ageDocument, type AgeDocumentOptions } from './age-document.ts'
import { ageFromEnv } from './from-env.ts'

describe('ageDocument keeps the contract', () => {
  testSecretProvider({
    test,
    manifest: documentManifest,
    cannotHappen: {
      unauthenticated: 'a file asks for no credential',
      unreachable: 'a file that is gone is a mistake in the configuration',
      hung: 'a file on this machine',
      throttled: 'a file has no quota',
      withdrawn: 'a member that was removed leaves no trace',
    },
    createHarness: async () => {
      const folder = await suiteFolder()
      const document = new SealedDocument(join(folder, 'secrets.json.age'), (held) => sealAge(JSON.stringify(Object.fromEntries(held))))
      await document.write()
      return {
        provider: ageDocument({ file: document.file, identity }),
        seed: (path, value) => document.write(path, value),
        breakStore: document.breakStore,
        credentials: [identityText],
        close: () => rm(folder, { recursive: true }),
      }
    },
  })
})

test('a document that cannot be read fails no read of paths that need none', async () => {
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  onTestFinished(() => void process.off('unhandledRejection', unhandled))
  const provider = ageDocument({ file: join(temporaryFolder(), 'none.json.age'), identity })
  expect(await provider.getMany([], context)).toEqual([])
  expect(await provider.getMany([''], context)).toMatchObject([{ reason: { code: 'INVALID_ARGUMENT' } }])
  expect(await provider.getMany(['db', ''], context)).toMatchObject([
    { reason: { code: 'CONFIGURATION' } },
    { reason: { code: 'INVALID_ARGUMENT' } },
  ])
  await setImmediate()
  expect(unhandled).not.toHaveBeenCalled()
})

async function valuesIn(options: AgeDocumentOptions): Promise<Record<string, unknown>> {
  const provider = ageDocument(options)
  const paths = await listed(provider.list('', context))
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [path, (await provider.get(path, context))?.value])))
}

describe('documents that age made', () => {
  it('are opened: JSON, in which what is no text is as it is written', async () => {
    expect(await valuesIn({ file: join(fixtures, 'age/many.json.age'), identity })).toEqual({
      db: '{"user": "finchat", "password": "c4n4ry-1"}',
      '10': 'ten',
      '2': '1.10',
    })
  })

  it('are opened: dotenv', async () => {
    expect(await valuesIn({ file: join(fixtures, 'age/many.env.age'), identity })).toEqual({ TOKEN: 'c4n4ry-2', OTHER: 'two words' })
  })

  it('give fields of a member', async () => {
    const names = { DB_PASSWORD: 'db#password' }
    const provider = ageDocument({ file: join(fixtures, 'age/many.json.age'), identity, names })
    const secrets = createSecretsManager({ providers: [provider] })
    expect(await secrets.getSecret('DB_PASSWORD')).toBe('c4n4ry-1')
    await secrets.close()
  })

  it('give several secrets of one content, in one read', async () => {
    const provider = ageDocument({ file: join(fixtures, 'age/many.json.age'), identity })
    const answers = await provider.getMany(['2', 'none', '\n', '10'], context)
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value?.value : answer.reason.code))).toEqual([
      '1.10',
      undefined,
      'INVALID_ARGUMENT',
      'ten',
    ])
  })
})

async function sealed(content: string | Uint8Array, name = 'secrets.json.age'): Promise<string> {
  const file = join(temporaryFolder(), name)
  await writeFile(file, await sealAge(content))
  return file
}

describe('the content of a document', () => {
  it.each([
    ['no JSON', '{"token": c4n4ry}'],
    ['a list', '["c4n4ry"]'],
    ['a text', '"c4n4ry"'],
    ['nothing', ''],
    ['a name twice', '{"c4n4ry": "1", "c4n4ry": "2"}'],
    ['no UTF-8', Buffer.from('{"token": "c4n4ry\xff"}', 'latin1')],
  ])('is refused, and not quoted: %s', async (_, content) => {
    const file = await sealed(content)
    const error = await failure(() => ageDocument({ file, identity }).get('token', context))
    expect(error.code).toBe('CONFIGURATION')
    expect(error.message).not.toContain('c4n4ry')
  })

  it('is refused if a text is none that UTF-8 can hold, for that secret alone', async () => {
    const provider = ageDocument({ file: await sealed('{"bad": "\\ud800", "good": "v"}'), identity })
    expect((await failure(() => provider.get('bad', context))).code).toBe('CONFIGURATION')
    expect((await provider.get('good', context))?.value).toBe('v')
  })

  it.each([
    ['c4n4ry', 1],
    ['# a remark\nc4n4ry\n', 2],
    ['A=1\n\nB="two\nlines"\nc4n4ry\nC=2\n', 5],
    ['A=1\nno c4n4ry = 2', 2],
  ])('is refused if a line sets no variable, by its number: %j', async (content, line) => {
    const error = await failure(async () => ageDocument({ file: await sealed(content, 'x.env.age'), identity }).get('token', context))
    expect(error).toMatchObject({ code: 'CONFIGURATION', problem: `the content of the age file sets no variable in line ${line}` })
  })

  it('may be remarks alone, or nothing, in a file of variables', async () => {
    for (const content of ['', '\n', '# no variable yet\n', '  # indented\n\n'])
      expect(await valuesIn({ file: await sealed(content, 'x.env.age'), identity })).toEqual({})
    expect(await valuesIn({ file: await sealed('# one\nA=1\n', 'x.env.age'), identity })).toEqual({ A: '1' })
  })

  it('may begin with space, and have no member', async () => {
    expect(await valuesIn({ file: await sealed(' \n{"a": "1"}'), identity })).toEqual({ a: '1' })
    expect(await valuesIn({ file: await sealed('{}'), identity })).toEqual({})
  })

  it('is overwritten in memory once it was read, also if it is refused', async () => {
    const decrypt = vi.spyOn(Decrypter.prototype, 'decrypt')
    await ageDocument({ file: await sealed('{"a": "1"}'), identity }).get('a', context)
    await failure(async () => ageDocument({ file: await sealed(Uint8Array.of(0xff)), identity }).get('a', context))
    const opened = await Promise.all(decrypt.mock.results.map((result) => result.value as Promise<Uint8Array>)) // as it is declared
    decrypt.mockRestore()
    expect(opened).toEqual([new Uint8Array(10), new Uint8Array(1)])
  })

  it.each([
    ['no JSON object', '[]', 'is no JSON object'],
    ['a name twice', '{"a": "1", "a": "2"}', 'has a name twice'],
    ['no UTF-8', Uint8Array.of(0xff), 'is no text in UTF-8'],
  ])('says what is wrong with it: %s', async (_, content, problem) => {
    const error = await failure(async () => ageDocument({ file: await sealed(content), identity }).get('a', context))
    expect(error.problem).toBe(`the content of the age file ${problem}`)
  })

  it('may begin with a byte order mark, and be of another name than its format', async () => {
    const file = await sealed('\ufeff{"token": "v"}', 'sealed')
    expect((await ageDocument({ file, identity, format: 'json' }).get('token', context))?.value).toBe('v')
    expect((await failure(() => ageDocument({ file, identity }))).problem).toBe("`format` is neither 'json' nor 'dotenv'")
  })
})

describe('the options of a document', () => {
  it('name it `age` unless they name it otherwise', () => {
    const file = join(fixtures, 'age/many.json.age')
    expect([ageDocument({ file, identity }).name, ageDocument({ file, identity, name: 'sealed' }).name]).toEqual(['age', 'sealed'])
  })

  it.each([
    [{ file: '' }, '`file`'],
    [{ identity: 7 }, 'the age identity'],
    [{ identity: undefined }, 'the age identity'],
  ])('are refused at once: %j', async (options, named) => {
    const given = { file: 'x.json.age', identity, ...options } as AgeDocumentOptions
    expect(await failure(() => ageDocument(given))).toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining(named) })
  })
})

describe('the file of a document', () => {
  it('may be dotenv that exports its variables', async () => {
    const file = await sealed('export EMPTY=\nBLANK= \nexport TOKEN=v\n', 'x.env.age')
    expect(await valuesIn({ file, identity })).toEqual({ EMPTY: '', BLANK: '', TOKEN: 'v' })
  })

  it('is CONFIGURATION, never absent, while it is missing', async () => {
    const provider = ageDocument({ file: join(temporaryFolder(), 'none.json.age'), identity })
    for (const call of [() => provider.get('a', context), () => provider.probe('a', context), () => provider.checkHealth(context)])
      expect(await failure(call)).toMatchObject({ code: 'CONFIGURATION', problem: '`file` names no file' })
  })

  it('is hinted when kubelet swaps it', async () => {
    const volume = new KubernetesVolume()
    await volume.swap({ 's.json.age': 'sealed' })
    const heard = vi.fn<() => void>()
    const end = ageDocument({ file: join(volume.folder, 's.json.age'), identity }).changes(heard)
    await volume.swap({ 's.json.age': 'sealed anew' })
    await vi.waitFor(() => expect(heard).toHaveBeenCalled(), 20_000)
    end()
  })

  it('has another revision only with another content', async () => {
    const file = await sealed('{"a": "1"}')
    let asked = 0
    const provider = ageDocument({ file, identity: () => ((asked += 1), identityText) })
    const first = await provider.probe('a', context)
    expect([await provider.probe('a', context), await provider.probe('b', context), asked]).toEqual([first, undefined, 1])
    await replaceFile(file, await sealAge('{"b": "1"}'))
    expect(await provider.probe('a', context)).toBeUndefined()
    expect(await provider.probe('b', context)).not.toEqual(first)
    expect(asked).toBe(2)
  })
})

describe('ageFromEnv', () => {
  const file = join(fixtures, 'age/many.json.age')

  it.each([
    ['a document', { FINCHAT_AGE_FILE: file, FINCHAT_AGE_IDENTITY: identityText, FINCHAT_AGE_NAMES: 'TOKEN=db#password' }, 'c4n4ry-1'],
    ['a folder', { FINCHAT_AGE_FOLDER: join(fixtures, 'age'), FINCHAT_AGE_IDENTITY_FILE: identity.file }, 'c4n4ry-of-a-file\n'],
  ])('makes a provider of %s', async (_, variables, value) => {
    const secrets = secretsManagerFromEnv({ age: ageFromEnv }, { env: { FINCHAT_SECRETS_PROVIDER: 'age', ...variables } })
    expect(await secrets.getSecret('TOKEN')).toBe(value)
    await secrets.close()
  })

  it('names what is missing, doubled or misspelt', async () => {
    const messageOf = async (variables: Record<string, string>): Promise<string> =>
      (await failure(() => secretsManagerFromEnv({ age: ageFromEnv }, { env: { FINCHAT_SECRETS_PROVIDER: 'age', ...variables } }))).message
    expect(await messageOf({})).toContain('set either FINCHAT_AGE_FOLDER or FINCHAT_AGE_FILE')
    expect(await messageOf({})).toContain('set either FINCHAT_AGE_IDENTITY or FINCHAT_AGE_IDENTITY_FILE')
    expect(await messageOf({ FINCHAT_AGE_FILE: file, FINCHAT_AGE_IDENTITY: 'c4n4ry', FINCHAT_AGE_FORMAT: 'toml' })).toContain(
      'age: FINCHAT_AGE_FORMAT is neither',
    )
    const folder = { FINCHAT_AGE_FOLDER: join(fixtures, 'age'), FINCHAT_AGE_IDENTITY: 'c4n4ry' }
    expect(await messageOf({ ...folder, FINCHAT_AGE_FORMAT: 'json' })).toContain('FINCHAT_AGE_FORMAT is of FINCHAT_AGE_FILE: unset it')
  })
})
