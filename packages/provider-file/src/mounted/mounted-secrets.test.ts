import { execFileSync } from 'node:child_process'
import { promises } from 'node:fs'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecretsManager } from '@finchat/secrets-core'
import { watchSecret } from '@finchat/secrets-core/live'
import { testSecretProvider } from '@finchat/secrets-testkit'
import { afterEach, describe, expect, it, test, vi } from 'vitest'
import { mountedManifest } from '../shared/limits.ts'
import {
  context,
  deny,
  failure,
  KubernetesVolume,
  listed,
  overfill,
  replaceFile,
  suiteFolder,
  temporaryFolder,
} from '../testing/temporary-files.ts'
import { mountedSecrets } from './mounted-secrets.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const disk = 'a folder on this machine'

describe('mountedSecrets keeps the contract', () => {
  testSecretProvider({
    test,
    manifest: mountedManifest,
    cannotHappen: {
      unauthenticated: `${disk} asks for no credential`,
      unreachable: 'a folder that is gone is a mistake in the configuration',
      hung: disk,
      throttled: `${disk} has no quota`,
      withdrawn: 'a file that was removed leaves no trace',
    },
    createHarness: async () => {
      const folder = await suiteFolder()
      return {
        provider: mountedSecrets({ folder }),
        seed: (path, value) => replaceFile(join(folder, path), value),
        breakStore: { denied: () => deny(folder), garbage: (path) => overfill(join(folder, path)) },
        close: () => rm(folder, { recursive: true }),
      }
    },
  })
})

describe('the files of a folder', () => {
  it.each([
    ['a trailing newline', 'value\n', 'value\n', 'value'],
    ['CRLF', 'value\r\n', 'value\r\n', 'value'],
    ['two newlines', 'value\n\n', 'value\n\n', 'value\n'],
    ['bytes', Uint8Array.of(0xff, 0x0a), Uint8Array.of(0xff, 0x0a), Uint8Array.of(0xff, 0x0a)],
  ])('are exact with %s, unless `withoutLineEnd` is set', async (_, content, exact, trimmed) => {
    const folder = temporaryFolder()
    await writeFile(join(folder, 'TOKEN'), content)
    expect((await mountedSecrets({ folder }).get('TOKEN', context))?.value).toEqual(exact)
    expect((await mountedSecrets({ folder, withoutLineEnd: true }).get('TOKEN', context))?.value).toEqual(trimmed)
  })

  it.each([
    ['a FIFO', (file: string) => execFileSync('mkfifo', [file])],
    ['a device', (file: string) => symlink('/dev/zero', file)],
    ['a folder', (file: string) => mkdir(file)],
    ['a file of more than 64 KiB', (file: string) => writeFile(file, 'x'.repeat(65_537))],
    ['a link out of the folder', (file: string) => symlink('/etc/hostname', file)],
  ])('are refused: %s', async (_, make) => {
    const folder = temporaryFolder()
    await make(join(folder, 'TOKEN'))
    expect((await failure(() => mountedSecrets({ folder }).get('TOKEN', context))).code).toBe('CONFIGURATION')
  })

  it.each(['../TOKEN', 'a/../TOKEN', '/TOKEN', 'a//b', '.', '..data/TOKEN', 'a\\b', 'a\0', '', 'x'.repeat(256)])(
    'have no name like %j',
    async (path) => {
      const provider = mountedSecrets({ folder: temporaryFolder() })
      expect(provider.locate(path)).toBeUndefined()
      expect((await failure(() => provider.get(path, context))).code).toBe('INVALID_ARGUMENT')
    },
  )

  it('are CONFIGURATION, never absent, while the folder is missing', async () => {
    const provider = mountedSecrets({ folder: join(temporaryFolder(), 'none') })
    for (const call of [
      () => provider.get('TOKEN', context),
      () => provider.checkHealth(context),
      () => listed(provider.list('', context)),
    ])
      expect(await failure(call)).toMatchObject({ code: 'CONFIGURATION', problem: '`folder` names no directory' })
  })

  it.each([{}, { folder: '' }, { folder: 'a\0' }, { folder: 7 }, { folder: 'a', file: 'b' }])(
    'need proper options: %j',
    async (options) => {
      expect((await failure(() => mountedSecrets(options as { folder: string }))).code).toBe('CONFIGURATION')
    },
  )
})

describe('a Kubernetes volume', () => {
  it('lists and reads each secret under its own name alone', async () => {
    const volume = new KubernetesVolume()
    await volume.swap({ TOKEN: 'v1', 'db/password': 'v2' })
    await symlink('.', join(volume.folder, 'around'))
    await symlink('/etc', join(volume.folder, 'outside'))
    const provider = mountedSecrets({ folder: volume.folder })
    expect((await listed(provider.list('', context))).toSorted()).toEqual(['TOKEN', 'db/password'])
    expect(await listed(provider.list('db/p', context))).toEqual(['db/password'])
    expect((await provider.get('db/password', context))?.value).toBe('v2')
  })

  it('lists its other secrets beside a link that leads round in circles', async () => {
    const volume = new KubernetesVolume()
    await volume.swap({ TOKEN: 'v1' })
    await symlink('circle', join(volume.folder, 'circle'))
    const provider = mountedSecrets({ folder: volume.folder })
    expect(await listed(provider.list('', context))).toEqual(['TOKEN'])
    expect((await failure(() => provider.get('circle', context))).code).toBe('CONFIGURATION')
  })

  it('has another revision after a swap, and no version and no time', async () => {
    const volume = new KubernetesVolume()
    await volume.swap({ TOKEN: 'v1' })
    const provider = mountedSecrets({ folder: volume.folder })
    const before = await provider.probe('TOKEN', context)
    expect(await provider.get('TOKEN', context)).toEqual({ value: 'v1', ...before })
    await volume.swap({ TOKEN: 'v1' })
    expect(await provider.probe('TOKEN', context)).not.toEqual(before)
  })

  it('is read in one generation, though it is swapped between two files', async () => {
    const volume = new KubernetesVolume()
    await volume.swap({ user: 'old', password: 'old' })
    const { open } = promises
    let opened = 0
    vi.spyOn(promises, 'open').mockImplementation(async (...args) => {
      const handle = await open(...args)
      if ((opened += 1) === 1) await volume.swap({ user: 'new', password: 'new' })
      return handle
    })
    const answers = await mountedSecrets({ folder: volume.folder }).getMany(['user', 'password'], context)
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value?.value : answer.reason))).toEqual(['new', 'new'])
  })

  it('is read in one generation, though a link to the folder leads to another one between two files', async () => {
    const place = temporaryFolder()
    for (const name of ['old', 'new']) for (const file of ['user', 'password']) await replaceFile(join(place, name, file), name)
    await symlink('old', join(place, 'current'))
    const { open } = promises
    let opened = 0
    vi.spyOn(promises, 'open').mockImplementation(async (...args) => {
      const handle = await open(...args)
      if ((opened += 1) > 1) return handle
      await symlink('new', join(place, 'next'))
      await rename(join(place, 'next'), join(place, 'current'))
      return handle
    })
    const paths = ['user', ...Array.from({ length: 31 }, (_, n) => `none-${n}`), 'password']
    const answers = await mountedSecrets({ folder: join(place, 'current') }).getMany(paths, context)
    const values = [answers[0], answers.at(-1)].map((answer) => (answer?.status === 'fulfilled' ? answer.value?.value : answer?.reason))
    expect(values).toEqual(['new', 'new'])
  })

  it('is UNAVAILABLE if every read of several files meets a swap', async () => {
    const volume = new KubernetesVolume()
    await volume.swap({ user: 'v' })
    let targets = 0
    vi.spyOn(promises, 'readlink').mockImplementation(async () => `..generation_${(targets += 1)}`)
    const error = await failure(() => mountedSecrets({ folder: volume.folder }).getMany(['none'], context))
    expect(error).toMatchObject({ code: 'UNAVAILABLE', remedy: 'try again' })
    expect(targets).toBe(10)
  })

  it('reaches who watches a secret at each swap', async () => {
    const volume = new KubernetesVolume()
    await volume.swap({ TOKEN: 'v1' })
    const secrets = createSecretsManager({ providers: [mountedSecrets({ folder: volume.folder })] })
    const watch = watchSecret(secrets, 'TOKEN', { intervalSeconds: 3_600 })
    expect(await secrets.getSecret('TOKEN')).toBe('v1')
    for (const content of ['v2', 'v3']) {
      const next = watch.next()
      await volume.swap({ TOKEN: content })
      expect((await next).value?.reveal()).toBe(content)
    }
    await secrets.close()
  })
})
