import { lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { envProvider } from './env-provider.ts'

const context = { signal: new AbortController().signal }
const yesterday = Date.now() - 86_400_000

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-mount-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function notBefore(path: string, env: Record<string, string> = {}): Promise<number | undefined> {
  return (await envProvider({ env, fileVariables: true, directory: folder }).get(path, context))?.currentNotBefore
}

function aged(file: string, time: number): void {
  utimesSync(file, time / 1000, time / 1000)
}

/** As kubelet does: a new folder of files, then a swap of the link to it. */
function mounted(generation: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, generation))
  for (const [name, value] of Object.entries(files)) {
    writeFileSync(join(folder, generation, name), value)
    aged(join(folder, generation, name), yesterday)
  }
  symlinkSync(generation, join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
}

describe('the time of a mounted file', () => {
  it('is that of the file', async () => {
    writeFileSync(join(folder, 'token'), 'v')
    aged(join(folder, 'token'), yesterday)
    expect(await notBefore('token')).toBe(yesterday)
  })

  it('is that of the file which a variable names', async () => {
    writeFileSync(join(folder, 'token'), 'v')
    aged(join(folder, 'token'), yesterday)
    expect(await notBefore('TOKEN', { TOKEN_FILE: join(folder, 'token') })).toBe(yesterday)
  })

  it('is that of the swap in a Kubernetes volume, not of the file behind it', async () => {
    const begun = Date.now() - 10 // clocks of files are coarse
    mounted('..2026_11_27', { token: 'v' })
    symlinkSync('..data/token', join(folder, 'token'))
    const { mtimeMs } = lstatSync(join(folder, '..data'))
    expect(await notBefore('token')).toBe(Math.floor(mtimeMs))
    expect(await notBefore('TOKEN', { TOKEN_FILE: join(folder, 'token') })).toBe(Math.floor(mtimeMs))
    expect(mtimeMs).toBeGreaterThan(begun)
  })

  it('of a file beside a volume is its own', async () => {
    mounted('..2026_11_27', { token: 'v' })
    writeFileSync(join(folder, 'other'), 'v')
    aged(join(folder, 'other'), yesterday)
    expect(await notBefore('other')).toBe(yesterday)
  })

  it('is not in the future, whatever the file says', async () => {
    writeFileSync(join(folder, 'token'), 'v')
    aged(join(folder, 'token'), Date.now() + 86_400_000)
    expect(await notBefore('token')).toBeLessThanOrEqual(Date.now())
  })

  it('is unknown for a variable', async () => {
    expect(await envProvider({ env: { TOKEN: 'v' }, directory: folder }).get('TOKEN', context)).toEqual({ value: 'v' })
  })

  it('is too early, never too late, if the volume is swapped between the two', async () => {
    mounted('..first', { token: 'old' })
    symlinkSync('..data/token', join(folder, 'token'))
    const before = Math.floor(lstatSync(join(folder, '..data')).mtimeMs)
    const reading = envProvider({ env: {}, directory: folder }).get('token', context)
    mounted('..second', { token: 'new' })
    const { value, currentNotBefore = 0 } = (await reading) ?? {}
    const swapped = Math.floor(lstatSync(join(folder, '..data')).mtimeMs)
    expect(value === 'old' || currentNotBefore <= swapped).toBe(true)
    if (value === 'old') expect(currentNotBefore).toBe(before)
  })
})
