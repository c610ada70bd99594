import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecretsManager, secretsManagerFromEnv } from '@finchat/secrets-core'
import { testSecretProvider } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { stringify } from 'yaml'
import { sopsManifest } from '../shared/limits.ts'
import { identityText } from '../testing/seal-age.ts'
import { jsonOf, type Plain, sealSops } from '../testing/seal-sops.ts'
import { SealedDocument } from '../testing/sealed-document.ts'
import { context, failure, fixtures, hybridIdentity, identity, listed, suiteFolder, temporaryFolder } from '../testing/temporary-files.ts'
import { sopsFromEnv } from './from-env.ts'
import { sopsDocument, type SopsDocumentOptions } from './sops-document.ts'

const writers = { json: jsonOf, yaml: (sealed: unknown) => stringify(sealed) }

describe('sopsDocument keeps the contract', () => {
  testSecretProvider({
    test,
    manifest: sopsManifest,
    cannotHappen: {
      unauthenticated: 'a file asks for no credential',
      unreachable: 'a file that is gone is a mistake in the configuration',
      hung: 'a file on this machine',
      throttled: 'a file has no quota',
      withdrawn: 'a key that was removed leaves no trace',
    },
    createHarness: async () => {
      const folder = await suiteFolder()
      const document = new SealedDocument(join(folder, 'secrets.json'), async (held) => jsonOf(await sealSops(held)))
      await document.write()
      return {
        provider: sopsDocument({ file: document.file, identity }),
        seed: (path, value) => document.write(path, value),
        breakStore: document.breakStore,
        credentials: [identityText],
        close: () => rm(folder, { recursive: true }),
      }
    },
  })
})

async function valuesIn(options: SopsDocumentOptions): Promise<Record<string, unknown>> {
  const provider = sopsDocument(options)
  const paths = await listed(provider.list('', context))
  const answers = await provider.getMany(paths, context)
  return Object.fromEntries(
    paths.map((path, index) => {
      const answer = answers[index]
      return [path, answer?.status === 'fulfilled' ? answer.value?.value : answer?.reason.code]
    }),
  )
}

const sopsFile = (name: string): string => join(fixtures, 'sops', name)

describe('files that sops made', () => {
  const inYaml = {
    token: 'c4n4ry-of-sops',
    port: '5432',
    rate: '1.1',
    large: '12345678901234568000000',
    ratio: '0.000000125',
    enabled: 'true',
    disabled: 'false',
    empty: '',
    nothing: 'null',
    '10': 'ten',
    '2': 'two',
    multi: 'first line\nsecond line\n',
    db: '{"user":"finchat","password":"c4n4ry-nested","hosts":["alpha","beta"],"port_unencrypted":6432,"level_unencrypted":"info"}',
    note_unencrypted: 'kept in plain text',
  }
  const inJson = {
    token: 'c4n4ry-of-sops',
    port: '5432',
    rate: '1.1',
    large: '1000000000000000000000',
    enabled: 'true',
    empty: '',
    nothing: 'null',
    '10': 'ten',
    '2': 'two',
    db:
      '{"user":"finchat","password":"c4n4ry-nested","hosts":["alpha","beta"],"port_unencrypted":6432,"rate_unencrypted":1.1,' +
      '"large_unencrypted":1000000000000000000000,"small_unencrypted":0.000000125,"on_unencrypted":true}',
  }

  it.each([
    ['secrets.yaml', identity, inYaml],
    ['secrets.json', identity, inJson],
    ['secrets.env', identity, { TOKEN: 'c4n4ry-of-sops', MULTI: 'first\nsecond', EMPTY: '', NOTE_unencrypted: 'kept' }],
    ['binary.json', identity, { data: Uint8Array.of(0xff, 0x00, 0xfe) }],
    ['hybrid.yaml', hybridIdentity, inYaml],
    ['two-recipients.yaml', identity, inYaml],
    ['two-recipients.yaml', hybridIdentity, inYaml],
    ['encrypted-regex.yaml', identity, inYaml],
    ['edited.yaml', identity, { ...inYaml, token: 'c4n4ry-changed' }],
  ])('are opened: %s', async (name, own, values) => {
    expect(await valuesIn({ file: sopsFile(name), identity: own })).toEqual(values)
  })

  it('give no value that their MAC does not cover', async () => {
    const values = await valuesIn({ file: sopsFile('mac-only-encrypted.yaml'), identity })
    expect(values).toMatchObject({ token: 'c4n4ry-of-sops', port: 'INTEGRITY', db: 'INTEGRITY', note_unencrypted: 'INTEGRITY' })
  })

  it('give fields of a map', async () => {
    const provider = sopsDocument({ file: sopsFile('secrets.yaml'), identity, names: { DB_PASSWORD: 'db#password' } })
    const secrets = createSecretsManager({ providers: [provider] })
    expect(await secrets.getSecret('DB_PASSWORD')).toBe('c4n4ry-nested')
    await secrets.close()
  })

  it('are for the identities of their recipients', async () => {
    const error = await failure(() => sopsDocument({ file: sopsFile('secrets.yaml'), identity: hybridIdentity }).get('token', context))
    expect(error).toMatchObject({ code: 'CONFIGURATION', problem: 'the SOPS file is encrypted to other recipients' })
  })
})

describe('a document of any content', () => {
  const scalar = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  )
  const key = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter((text) => text !== 'sops' && !text.startsWith('sops_') && !text.includes(':'))
  const tree = fc.letrec<{ node: Plain }>((tie) => ({
    node: fc.oneof({ maxDepth: 3 }, scalar, fc.array(tie('node'), { maxLength: 3 }), fc.dictionary(key, tie('node'), { maxKeys: 3 })),
  })).node

  it.each(['json', 'yaml'] as const)('is read back from %s as it was sealed', async (format) => {
    const file = join(temporaryFolder(), `any.${format}`)
    await fc.assert(
      fc.asyncProperty(fc.dictionary(key, tree, { minKeys: 1, maxKeys: 4 }), async (secrets) => {
        await writeFile(file, writers[format](await sealSops(new Map(Object.entries(secrets)))))
        const values = await valuesIn({ file, identity })
        for (const [name, plain] of Object.entries(secrets)) {
          if (!sopsManifest.canHoldPath(name)) continue
          const value = String(values[name])
          expect(typeof plain === 'string' ? value : JSON.parse(value)).toEqual(JSON.parse(JSON.stringify(plain)))
        }
      }),
      { numRuns: 25 },
    )
  })
})

describe('a document in YAML', () => {
  const filled = (count: number): string => `token: [${'[],'.repeat(count)}]\n`

  it.each([
    ['short lists', filled(60_000)],
    ['short texts', `token:\n${'- 1\n'.repeat(60_000)}`],
    ['line ends', `token: 1${'\n'.repeat(120_000)}`],
  ])('is refused before a text of too many tokens holds the event loop: %s', async (_, content) => {
    const file = join(temporaryFolder(), 'many.yaml')
    await writeFile(file, content)
    const error = await failure(() => sopsDocument({ file, identity }).get('token', context))
    expect(error).toMatchObject({ code: 'INTEGRITY', problem: 'the SOPS file has more than 100,000 YAML tokens' })
  })

  it('may have values of nearly 1 MiB, or as many as that holds', async () => {
    const file = join(temporaryFolder(), 'large.yaml')
    const many = new Map(Array.from({ length: 8_000 }, (_, n) => [`k${n}`, n]))
    for (const secrets of [many, new Map([['k7999', 'x'.repeat(700_000)]])]) {
      await writeFile(file, writers.yaml(await sealSops(secrets)))
      expect((await sopsDocument({ file, identity }).get('k7999', context))?.value).toBe(String(secrets.get('k7999')))
    }
  })

  it('is read for its content, not its tokens, up to the limit', async () => {
    const file = join(temporaryFolder(), 'few.yaml')
    await writeFile(file, filled(30_000))
    const { problem } = await failure(() => sopsDocument({ file, identity }).get('token', context))
    expect(problem).toBe('the SOPS file has no MAC')
  })
})

describe('a key with a colon', () => {
  const colon = { code: 'INTEGRITY', problem: 'the SOPS file has a key with a colon, which could stand for a map and its key' }

  async function sealed(secrets: Record<string, Plain>): Promise<ReturnType<typeof sopsDocument>> {
    const file = join(temporaryFolder(), 'colon.json')
    await writeFile(file, jsonOf(await sealSops(new Map(Object.entries(secrets)))))
    return sopsDocument({ file, identity })
  }

  it('is no path', async () => {
    const provider = await sealed({ db: 'c4n4ry' })
    expect(await failure(() => provider.get('db:user', context))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('at the top makes the file unreadable: a secret could be gone', async () => {
    const provider = await sealed({ 'db:user': 'c4n4ry', token: 'one' })
    for (const path of ['db', 'token']) expect(await failure(() => provider.get(path, context))).toMatchObject(colon)
  })

  it('in a map makes that secret unreadable, and no other', async () => {
    const provider = await sealed({ auths: { registries: [{ 'https://registry.example': 'c4n4ry' }] }, token: 'one' })
    expect(await failure(() => provider.get('auths', context))).toMatchObject(colon)
    expect((await provider.get('token', context))?.value).toBe('one')
  })
})

describe('sopsFromEnv', () => {
  it('reads file, identity and names from the variables', async () => {
    const env = {
      FINCHAT_SECRETS_PROVIDER: 'sops',
      FINCHAT_SOPS_FILE: sopsFile('secrets.yaml'),
      FINCHAT_SOPS_IDENTITY_FILE: identity.file,
      FINCHAT_SOPS_NAMES: 'DB_PASSWORD=db#password',
    }
    const secrets = secretsManagerFromEnv({ sops: sopsFromEnv }, { env })
    expect(await secrets.getSecret('DB_PASSWORD')).toBe('c4n4ry-nested')
    await secrets.close()
  })

  it('names what is missing, and the entry that has it', async () => {
    const env = { FINCHAT_SECRETS_PROVIDER: 'sops' }
    const { message } = await failure(() => secretsManagerFromEnv({ sops: sopsFromEnv }, { env }))
    expect(message).toContain('FINCHAT_SOPS_FILE is not set')
    expect(message).toContain('set either FINCHAT_SOPS_IDENTITY or FINCHAT_SOPS_IDENTITY_FILE')
    const missing = await failure(() => secretsManagerFromEnv({}, { env }))
    expect(missing.message).toContain("install @finchat/secrets-provider-file and pass the /sops entry's sopsFromEnv")
  })

  it.each([{ format: 'toml' }, { file: '' }, { identity: 7 }, { folder: 'x' }])('options must be proper: %j', async (options) => {
    const given = { file: 'a.yaml', identity, ...options } as SopsDocumentOptions
    expect((await failure(() => sopsDocument(given))).code).toBe('CONFIGURATION')
  })
})
