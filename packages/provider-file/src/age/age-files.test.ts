import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecretsManager } from '@finchat/secrets-core'
import { watchSecret } from '@finchat/secrets-core/live'
import { testSecretProvider } from '@finchat/secrets-testkit'
import { generateHybridIdentity, generateIdentity } from 'age-encryption'
import { describe, expect, it, test } from 'vitest'
import { ageFilesManifest } from '../shared/limits.ts'
import {
  context,
  deny,
  failure,
  fixtures,
  hybridIdentity,
  identity,
  listed,
  replaceFile,
  suiteFolder,
  temporaryFolder,
} from '../testing/temporary-files.ts'
import { identityText, sealAge } from '../testing/seal-age.ts'
import { ageFiles } from './age-files.ts'

describe('ageFiles keeps the contract', () => {
  testSecretProvider({
    test,
    manifest: ageFilesManifest,
    cannotHappen: {
      unauthenticated: 'a file asks for no credential',
      unreachable: 'a folder that is gone is a mistake in the configuration',
      hung: 'a folder on this machine',
      throttled: 'a folder has no quota',
      withdrawn: 'a file that was removed leaves no trace',
    },
    createHarness: async () => {
      const folder = await suiteFolder()
      const fileOf = (path: string): string => join(folder, `${path}.age`)
      return {
        provider: ageFiles({ folder, identity: identityText }),
        seed: async (path, value) => replaceFile(fileOf(path), await sealAge(value)),
        breakStore: {
          denied: () => deny(folder),
          garbage: async (path) => {
            const content = await readFile(fileOf(path))
            await replaceFile(
              fileOf(path),
              content.map((byte, at) => (at === content.length - 1 ? byte ^ 1 : byte)),
            )
            return () => replaceFile(fileOf(path), content)
          },
        },
        credentials: [identityText],
        close: () => rm(folder, { recursive: true }),
      }
    },
  })
})

const folder = join(fixtures, 'age')

describe('files that age made', () => {
  it.each([
    ['TOKEN', identity, 'c4n4ry-of-a-file\n'],
    ['ARMORED', identity, 'c4n4ry-of-a-file\n'],
    ['HYBRID', hybridIdentity, 'c4n4ry-of-a-file\n'],
    ['BYTES', identity, Uint8Array.of(0xff, 0x00, 0xfe)],
  ])('are opened: %s', async (path, own, value) => {
    expect((await ageFiles({ folder, identity: own }).get(path, context))?.value).toEqual(value)
  })

  it('are listed, without those of other names', async () => {
    const names = await listed(ageFiles({ folder, identity }).list('', context))
    expect(names.toSorted()).toEqual(['ARMORED', 'BYTES', 'HYBRID', 'TOKEN', 'many.env', 'many.json'])
  })

  it('tell who watches one that it was replaced', async () => {
    const mounted = temporaryFolder()
    await replaceFile(join(mounted, 'TOKEN.age'), await sealAge('v1'))
    const secrets = createSecretsManager({ providers: [ageFiles({ folder: mounted, identity })] })
    const watch = watchSecret(secrets, 'TOKEN', { intervalSeconds: 3_600 })
    expect(await secrets.getSecret('TOKEN')).toBe('v1')
    const next = watch.next()
    await replaceFile(join(mounted, 'TOKEN.age'), await sealAge('v2'))
    expect((await next).value?.reveal()).toBe('v2')
    await secrets.close()
  })
})

describe('the identity', () => {
  const readWith = (own: Parameters<typeof ageFiles>[0]['identity'], path = 'TOKEN') =>
    ageFiles({ folder, identity: own }).get(path, context)

  it.each([
    ['a text', identityText],
    ['a function', async () => identityText],
    [
      'several, with remarks',
      async () => `# remark\n\n${await generateIdentity()}\r\n  ${identityText}\n${await generateHybridIdentity()}`,
    ],
    ['16 keys', `${identityText}\n`.repeat(16)],
  ])('may be %s', async (_, own) => {
    expect((await readWith(own))?.value).toBe('c4n4ry-of-a-file\n')
  })

  it.each([
    ['malformed', 'AGE-SECRET-KEY-1QQQQ', 'CONFIGURATION'],
    ['of a plugin', 'AGE-PLUGIN-YUBIKEY-1QQQQ', 'CONFIGURATION'],
    ['a recipient', 'age1zz46wgzxz0spe7aree073nfgdt0dw4evk97x5vdun83lfnqhsgjs4xwn9a', 'CONFIGURATION'],
    ['of remarks alone', '# none', 'CONFIGURATION'],
    ['too many', `${identityText}\n`.repeat(17), 'CONFIGURATION'],
    ['empty', '', 'CREDENTIALS_MISSING'],
    ['a missing file', { file: '/no/such/file' }, 'CREDENTIALS_MISSING'],
  ])('that is %s is refused', async (_, own, code) => {
    const error = await failure(() => readWith(own))
    expect(error.code).toBe(code)
    expect(error.message).not.toContain('QQQQ')
    expect((await failure(() => ageFiles({ folder, identity: own }).checkHealth(context))).code).toBe(code)
  })

  it('of no key, or of too many, is refused with their number', async () => {
    for (const [text, count] of [
      ['# none', 0],
      [`${identityText}\n`.repeat(17), 17],
    ] as const)
      expect((await failure(() => readWith(text))).problem).toBe(`the age identity has ${count} keys`)
  })

  it('of another recipient opens no file: CONFIGURATION, with what to do', async () => {
    for (const path of ['TOKEN', 'HYBRID'])
      expect(await failure(async () => readWith(await generateHybridIdentity(), path))).toMatchObject({
        code: 'CONFIGURATION',
        problem: 'the age file of this secret is encrypted to other recipients',
      })
  })

  it.each([{ identity: undefined }, { identity: 7 }, { identity: { file: '' } }, { folder: '' }])('is needed: %j', async (options) => {
    expect((await failure(() => ageFiles({ folder, identity, ...options } as Parameters<typeof ageFiles>[0]))).code).toBe('CONFIGURATION')
  })
})

describe('a file', () => {
  const readOf = async (content: string | Uint8Array): Promise<unknown> => {
    const mounted = temporaryFolder()
    await writeFile(join(mounted, 'TOKEN.age'), content)
    return failure(() => ageFiles({ folder: mounted, identity }).get('TOKEN', context))
  }

  it('of which a byte was changed is refused', async () => {
    const content = await readFile(join(folder, 'TOKEN.age'))
    const mounted = temporaryFolder()
    const provider = ageFiles({ folder: mounted, identity })
    for (let at = 0; at < content.length; at += 4) {
      await writeFile(
        join(mounted, 'TOKEN.age'),
        content.map((byte, index) => (index === at ? byte ^ 1 : byte)),
      )
      // A changed recipient is one that is not ours.
      expect((await failure(() => provider.get('TOKEN', context))).code, `byte ${at}`).toMatch(/^(INTEGRITY|CONFIGURATION)$/)
    }
  })

  it.each(['', 'plain text', 'age-encryption.org/v1\n', '-----BEGIN AGE ENCRYPTED FILE-----\nx', '-----BEGIN AGE ENCRYPTED FILE-----'])(
    'that is no age file is refused: %j',
    async (content) => {
      expect(await readOf(content)).toMatchObject({ code: 'INTEGRITY' })
    },
  )

  it('of 64 recipients is opened, and content that looks like a recipient is none', async () => {
    const others = await Promise.all(Array.from({ length: 63 }, () => generateIdentity()))
    const mounted = temporaryFolder()
    await writeFile(join(mounted, 'TOKEN.age'), await sealAge('v', [...others, identityText]))
    expect((await ageFiles({ folder: mounted, identity }).get('TOKEN', context))?.value).toBe('v')
    const content = Buffer.concat([await readFile(join(folder, 'TOKEN.age')), Buffer.from('\n-> x'.repeat(100))])
    expect(await readOf(content)).toMatchObject({ code: 'INTEGRITY' })
  })

  it('of more than 64 recipients, 1 MiB or 64 KiB of content is refused', async () => {
    const others = await Promise.all(Array.from({ length: 64 }, () => generateIdentity()))
    expect(await readOf(await sealAge('v', [identityText, ...others]))).toMatchObject({
      code: 'CONFIGURATION',
      problem: 'the age file of this secret has more than 64 recipients',
    })
    expect(await readOf(new Uint8Array(1_048_577))).toMatchObject({ code: 'CONFIGURATION' })
    expect(await readOf(await sealAge('x'.repeat(65_537)))).toMatchObject({ code: 'CONFIGURATION' })
  })
})
