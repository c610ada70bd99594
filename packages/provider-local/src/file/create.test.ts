import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test, vi } from 'vitest'
import { denyStore } from '../testing/breakage.ts'
import { context, failure, opened, temporaryFolder, temporaryPath, within } from '../testing/temporary-store.ts'
import { createFile, removeUnfinished } from './create.ts'

test('the store is a single file once it is closed', async () => {
  const path = temporaryPath()
  await within(path, (provider) => provider.put('name', { value: 'value' }, context))
  expect(readdirSync(dirname(path))).toEqual(['secrets.db'])
})

describe('a temporary file of a killed creation', () => {
  const unfinished = ['', '-wal', '-shm', '-journal'].map((suffix) => `secrets.db.0123456789ab.new${suffix}`)

  test('is removed by the next process that opens the store, and no other file is', async () => {
    const path = temporaryPath()
    const others = ['secrets.db.new', 'secrets.db.0123456789ab.new.bak', 'other.db.0123456789ab.new', 'secrets.db.bak']
    for (const name of [...unfinished, ...others]) writeFileSync(join(dirname(path), name), '')
    await within(path, (provider) => provider.put('name', { value: 'value' }, context))
    expect(readdirSync(dirname(path)).toSorted()).toEqual(['secrets.db', ...others].toSorted())
    for (const name of unfinished) writeFileSync(join(dirname(path), name), '')
    await within(path, (provider) => provider.get('name', context))
    expect(readdirSync(dirname(path)).toSorted()).toEqual(['secrets.db', ...others].toSorted())
  })

  test('may be removed during another creation, which then opens the existing store', async () => {
    const path = temporaryPath()
    createFile(path, (temporary) => {
      createFile(path, (others) => writeFileSync(others, 'the faster one’s'))
      removeUnfinished(path)
      expect(existsSync(temporary)).toBe(false)
      throw new Error('as SQLite does, whose file is gone')
    })
    expect(readFileSync(path, 'utf8')).toBe('the faster one’s')
    expect(readdirSync(dirname(path))).toEqual(['secrets.db'])
  })
})

test('a new store gets its name only after its log is copied into the file, because closing does not report a failure', async () => {
  const path = temporaryPath()
  const logs: number[] = []
  const close = DatabaseSync.prototype.close
  vi.spyOn(DatabaseSync.prototype, 'close').mockImplementation(function (this: DatabaseSync) {
    if (!existsSync(path)) logs.push(statSync(`${this.location()}-wal`).size)
    close.call(this)
  })
  await within(path, (provider) => provider.put('name', { value: 'value' }, context))
  vi.restoreAllMocks()
  expect(logs).toEqual([0])
})

describe('a path that cannot be a store', () => {
  test('in a folder that does not exist is CONFIGURATION, and nothing is created', async () => {
    const folder = temporaryFolder()
    const provider = opened(join(folder, 'missing', 'secrets.db'))
    expect(await failure(provider.get('name', context))).toMatchObject({
      code: 'CONFIGURATION',
      message: `the folder "${join(folder, 'missing')}" of the store does not exist (create it, or correct \`path\`)`,
    })
    expect(readdirSync(folder)).toEqual([])
  })

  test('of a folder, or beneath a file, is CONFIGURATION', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'folder'))
    writeFileSync(join(folder, 'file'), 'text')
    const messages = []
    for (const path of ['folder', 'file/secrets.db']) messages.push(await failure(opened(join(folder, path)).get('name', context)))
    expect(messages.map(({ code, problem }) => [code, problem])).toEqual([
      ['CONFIGURATION', `\`path\` is not a file: "${join(folder, 'folder')}"`],
      ['CONFIGURATION', `the folder "${join(folder, 'file')}" of the store does not exist`],
    ])
  })

  test('of a broken link is CONFIGURATION; a link to a store opens that store', async () => {
    const folder = temporaryFolder()
    // three in, three out
    const [nowhere, link, store] = ['nowhere', 'link', 'secrets.db'].map((name) => join(folder, name)) as [string, string, string]
    symlinkSync(join(folder, 'missing'), nowhere)
    symlinkSync(store, link)
    expect((await failure(opened(nowhere).get('name', context))).code).toBe('CONFIGURATION')
    await within(store, (provider) => provider.put('name', { value: 'value' }, context))
    expect((await opened(link).get('name', context))?.value).toBe('value')
  })

  test('with a name that is too long is CONFIGURATION', async () => {
    for (const length of [231, 245, 255, 300]) {
      const provider = opened(join(temporaryFolder(), 'x'.repeat(length)))
      expect((await failure(provider.put('name', { value: '' }, context))).code, String(length)).toBe('CONFIGURATION')
    }
    expect((await opened(join(temporaryFolder(), 'x'.repeat(230))).put('name', { value: '' }, context)).version).toBe(1)
  })
})

describe('a store without the right to', () => {
  test('create it is PERMISSION_DENIED, until the right is given', async () => {
    const path = temporaryPath()
    const provider = opened(path)
    const mend = await denyStore(path)
    expect((await failure(provider.get('name', context))).code).toBe('PERMISSION_DENIED')
    await mend()
    expect(await provider.get('name', context)).toBeUndefined()
  })

  test('write its folder is PERMISSION_DENIED, and the message says why reads need it too', async () => {
    const path = temporaryPath()
    await within(path, (provider) => provider.put('name', { value: 'value' }, context))
    const mend = await denyStore(path, 0o555, 0o444)
    const error = await failure(opened(path).get('name', context))
    await mend()
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect((await opened(path).get('name', context))?.value).toBe('value')
  })
})

describe('a store whose file is removed while it is open', () => {
  test('refuses to write into the removed file', async () => {
    const path = temporaryPath()
    const provider = opened(path)
    await provider.put('name', { value: 'value' }, context)
    renameSync(path, `${path}.moved`)
    expect(await failure(provider.put('name', { value: 'lost' }, context))).toMatchObject({
      code: 'UNAVAILABLE',
      problem: expect.stringContaining('was moved, replaced or removed while it was open'),
    })
    expect(await failure(opened(path).get('name', context))).toMatchObject({
      code: 'INTEGRITY',
      problem: `the store's file "${path}" is missing, and its log is still there`,
    })
    unlinkSync(`${path}-wal`)
    await within(path, (other) => other.put('name', { value: 'of another store' }, context))
    expect((await failure(provider.put('name', { value: 'lost' }, context))).code).toBe('UNAVAILABLE')
    expect(existsSync(`${path}.moved`)).toBe(true)
  })
})

describe('a path with special characters', () => {
  test('names exactly that file', async () => {
    const folder = temporaryFolder()
    for (const name of ['a b.db', 'a?mode=memory', 'a#b.db', 'a%20b.db', 'ä.db', 'file:a.db', "a'b.db", ':memory:.db']) {
      const path = join(folder, name)
      await within(path, (provider) => provider.put('name', { value: name }, context))
      expect((await within(path, (provider) => provider.get('name', context)))?.value).toBe(name)
      expect(readdirSync(folder)).toContain(name)
    }
    expect(readdirSync(folder)).toHaveLength(8)
  })
})
