import fs, { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SecretsError } from '../errors/secrets-error.ts'
import { watchSecret } from '../live.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import { envProvider } from './env-provider.ts'

const context = { signal: new AbortController().signal }
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-mount-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

let swaps = 0

/** As kubelet writes a volume: a new folder, then `..data` is swapped by a rename. */
function swap(content: string): void {
  const name = `..2026_${(swaps += 1)}`
  mkdirSync(join(folder, name))
  writeFileSync(join(folder, name, 'db'), content)
  symlinkSync(name, join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
}

function mount(content: string): void {
  swap(content)
  symlinkSync('..data/db', join(folder, 'db'))
}

function replace(content: string): void {
  writeFileSync(join(folder, 'new'), content)
  renameSync(join(folder, 'new'), join(folder, 'db'))
}

describe('the probe of a mounted file', () => {
  const revision = async (provider = envProvider({ env: {}, directory: folder })): Promise<string | undefined> =>
    (await provider.probe?.('db', context))?.revision

  it.each([
    ['a swap of `..data`', mount, swap],
    ['a rename over a plain file', replace, replace],
    ['a write in place', replace, (content: string) => writeFileSync(join(folder, 'db'), content)],
  ])('tells %s, and nothing else', async (_what, begin, change) => {
    begin('v1')
    const first = await revision()
    expect(first).toEqual(expect.any(String))
    expect(await revision()).toBe(first)
    change('v2')
    expect(await revision()).not.toBe(first)
  })

  it('is undefined where a read is, and for a variable without an identity', async () => {
    mount('v1')
    const provider = envProvider({ env: { TOKEN: 'v', EMPTY: '' }, directory: folder, emptyIsAbsent: true })
    for (const path of ['none', '..data/db', 'EMPTY']) expect(await provider.probe?.(path, context)).toBeUndefined()
    expect(await provider.probe?.('TOKEN', context)).toEqual({ revision: undefined })
    writeFileSync(join(folder, 'blank'), '')
    expect(await provider.probe?.('blank', context)).toBeUndefined()
  })

  it('rejects as a read does: out of the directory, or while its link leads to nothing', async () => {
    symlinkSync('/etc/hostname', join(folder, 'outside'))
    symlinkSync('..data/db', join(folder, 'db'))
    const provider = envProvider({ env: {}, directory: folder })
    for (const [path, code] of [
      ['outside', 'CONFIGURATION'],
      ['db', 'UNAVAILABLE'],
      ['a=b', 'INVALID_ARGUMENT'],
    ] as const) {
      const [probed, read] = await Promise.allSettled([provider.probe?.(path, context), provider.get(path, context)])
      for (const each of [probed, read])
        expect(each.status === 'rejected' && SecretsError.isInstance(each.reason) && each.reason.code).toBe(code)
    }
  })

  it('rejects as a read does: a named file is missing, or its variable is set as well', async () => {
    const env = { TOKEN_FILE: join(folder, 'none'), BOTH: 'v', BOTH_FILE: join(folder, 'none') }
    const provider = envProvider({ env, fileVariables: true })
    for (const path of ['TOKEN', 'BOTH']) await expect(provider.probe?.(path, context)).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  it('follows a file that a variable names', async () => {
    replace('v1')
    const provider = envProvider({ env: { TOKEN_FILE: join(folder, 'db') }, fileVariables: true })
    const before = (await provider.probe?.('TOKEN', context))?.revision
    replace('v2')
    expect((await provider.probe?.('TOKEN', context))?.revision).not.toBe(before)
  })
})

describe('a change of mounted files', () => {
  /** Resolves with the next hint; the test's own time limit is the failure. */
  async function hinted(change: () => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const end = envProvider({ env: {}, directory: folder }).changes?.(() => resolve())
    change()
    await promise
    end?.()
  }

  it('is hinted at every swap and at every rename', async () => {
    mount('v1')
    const heard = vi.fn<() => void>()
    const end = envProvider({ env: {}, directory: folder }).changes?.(heard)
    for (let each = 1; each <= 3; each += 1) {
      const before = heard.mock.calls.length
      swap(`v${each}`)
      await vi.waitFor(() => expect(heard.mock.calls.length).toBeGreaterThan(before), 20_000)
    }
    end?.()
    rmSync(join(folder, 'db'))
    await hinted(() => replace('v9'))
  })

  it('is hinted in a folder inside the directory once a file there was read', async () => {
    mkdirSync(join(folder, 'db'))
    writeFileSync(join(folder, 'db', 'password'), 'v1')
    const provider = envProvider({ env: {}, directory: folder })
    const { promise, resolve } = Promise.withResolvers<void>()
    const end = provider.changes?.(() => resolve())
    const before = (await provider.get('db/password', context))?.revision
    writeFileSync(join(folder, 'db', 'password'), 'longer')
    await promise
    expect((await provider.probe?.('db/password', context))?.revision).not.toBe(before)
    end?.()
  })

  it('reaches every listener, though one of them fails', async () => {
    mount('v1')
    const provider = envProvider({ env: {}, directory: folder })
    const heard = vi.fn<() => void>()
    const failing = provider.changes?.(() => {
      throw new Error('of a listener')
    })
    const end = provider.changes?.(heard)
    swap('v2')
    await vi.waitFor(() => expect(heard).toHaveBeenCalled(), 20_000)
    failing?.()
    end?.()
  })

  it('is found by polling alone where no watch is to be had', async () => {
    mount('v1')
    vi.spyOn(fs, 'watch').mockImplementation(() => {
      throw new Error('ENOSPC: System limit for number of file watchers reached')
    })
    const provider = envProvider({ env: {}, directory: folder })
    const end = provider.changes?.(() => {})
    const before = (await provider.probe?.('db', context))?.revision
    swap('v2')
    expect((await provider.probe?.('db', context))?.revision).not.toBe(before)
    end?.()
  })

  it('reaches who watches the secret', async () => {
    mount('v1')
    const secrets = createSecretsManager({ providers: [envProvider({ env: {}, directory: folder })] })
    const watch = watchSecret(secrets, 'db', { intervalSeconds: 3_600 })
    expect(await secrets.getSecret('db')).toBe('v1')
    for (const content of ['v2', 'v3']) {
      const next = watch.next()
      swap(content)
      expect((await next).value?.reveal()).toBe(content)
    }
    await secrets.close()
  })
})
