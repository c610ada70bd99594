import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { run } from './run.ts'

let folder = ''
beforeEach(() => {
  const own = mkdtempSync(join(tmpdir(), 'create-'))
  folder = own
  onTestFinished(() => rmSync(own, { recursive: true }))
})

async function create(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly error: string }> {
  const printed = { out: '', error: '' }
  const stdout = { write: (text: string) => (printed.out += text) }
  const stderr = { write: (text: string) => (printed.error += text) }
  const code = await run(args, { stdout, stderr, cwd: () => folder })
  return { code, ...printed }
}

const written = (path: string): string => readFileSync(join(folder, path), 'utf8')
const example = (file: string): string => readFileSync(new URL(`../../../examples/custom-provider/src/${file}`, import.meta.url), 'utf8')

describe('npm create @finchat/secrets-provider', () => {
  test('writes the provider and the suite that the example has', async () => {
    expect(await create('http-provider')).toMatchObject({ code: 0, error: '', out: expect.stringContaining('cd http-provider') })
    const own = (file: string): string => example(file).replaceAll('./http-provider.ts', './provider.ts')
    expect(written('http-provider/src/provider.ts')).toBe(own('http-provider.ts'))
    expect(written('http-provider/src/provider.test.ts')).toBe(own('http-provider.test.ts'))
    expect(written('http-provider/src/stub-store.ts')).toBe(own('stub-store.ts'))
  })

  test.each([
    ['@acme/my-store', 'my-store', 'myStoreProvider', 'my-store'],
    ['vault-provider', 'vault-provider', 'vaultProvider', 'vault'],
    ['1.store', '1.store', 'store1StoreProvider', '1.store'],
  ])('names all after %s', async (name, at, factory, own) => {
    expect((await create(name)).code).toBe(0)
    expect(JSON.parse(written(`${at}/package.json`))).toMatchObject({ name, dependencies: { '@finchat/secrets-core': '^0.1.0' } })
    expect(written(`${at}/src/provider.ts`)).toContain(`export function ${factory}(`)
    expect(written(`${at}/src/provider.ts`)).toContain(`name: '${own}'`)
    expect(written(`${at}/src/provider.ts`)).toMatch(/env\.required\('FINCHAT_[A-Z0-9_]+_URL'\)/)
    const texts = (await readdir(join(folder, at), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    for (const { parentPath, name: file } of texts)
      expect(readFileSync(join(parentPath, file), 'utf8')).not.toMatch(/@(package|store|camel|pascal|upper)@/)
  })

  test.each([
    '../x',
    '/opt/x',
    'a/b',
    '.',
    '..',
    '',
    '.hidden',
    '_x',
    'My-Store',
    'a b',
    "a'b",
    '@acme/',
    '@acme/../x',
    'fs',
    'node_modules',
    '@acme/fs',
    '@acme/favicon.ico',
    '--',
    '@acme/--',
    'x'.repeat(215),
    'x'.repeat(65),
  ])('refuses %j, which is no name or a path, with code 64', async (name) => {
    const { code, out, error } = await create(name)
    expect([code, out]).toEqual([64, ''])
    expect(error).toMatch(/^.*(is no name for npm|is too long|there is no option).*\n$/)
    expect(await readdir(folder)).toEqual([])
  })

  test.each([
    [['--force', 'x'], 'there is no option "--force"'],
    [[], 'give one name'],
    [['a', 'b'], 'give one name'],
  ])('refuses %j with code 64', async (args, message) => {
    expect(await create(...args)).toMatchObject({ code: 64, out: '', error: expect.stringContaining(message) })
    expect(await readdir(folder)).toEqual([])
  })

  test('refuses a folder that holds something, and a file; takes an empty folder', async () => {
    for (const name of ['full', 'empty']) mkdirSync(join(folder, name))
    for (const file of ['full/kept', 'file']) writeFileSync(join(folder, file), 'mine')
    expect(await create('full')).toMatchObject({ code: 64, error: 'full is not an empty folder: give another name, or empty it\n' })
    expect(await create('file')).toMatchObject({ code: 64, error: expect.stringContaining('is not an empty folder') })
    expect(await readdir(join(folder, 'full'))).toEqual(['kept'])
    expect((await create('empty')).code).toBe(0)
  })

  test('says with code 1 what the system refuses', async () => {
    folder = join(folder, 'x'.repeat(5_000))
    expect(await create('x')).toMatchObject({ code: 1, error: 'nothing could be written: ENAMETOOLONG\n' })
  })

  test('prints its help as a program', () => {
    const printed = execFileSync(process.execPath, ['--conditions=@finchat/source', join(import.meta.dirname, 'main.ts'), '--help'], {
      encoding: 'utf8',
    })
    expect(printed).toContain('npm create @finchat/secrets-provider NAME')
  })
})
