import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test, vi } from 'vitest'
import type { LocalProvider } from './local-provider.ts'
import { collected, context, failure, key, opened, otherKey, temporaryPath, within } from './testing/temporary-store.ts'

/** Limits the pages of every new connection: SQLite reports a full disk when it needs more. */
function withPages(most: number): { readonly mend: () => void } {
  const connections: DatabaseSync[] = []
  const exec = DatabaseSync.prototype.exec
  const limited = vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql) {
    exec.call(this, sql)
    if (!sql.startsWith('PRAGMA trusted_schema')) return // what a connection begins with
    exec.call(this, `PRAGMA max_page_count=${most}`)
    connections.push(this)
  })
  const mend = (): void => {
    limited.mockRestore()
    for (const sqlite of connections) if (sqlite.isOpen) sqlite.exec('PRAGMA max_page_count=1073741823')
  }
  return { mend }
}

async function filledStore(): Promise<string> {
  const path = temporaryPath()
  const fill = async (provider: LocalProvider): Promise<void> => {
    for (let n = 1; n <= 40; n++) await provider.put('name', { value: `v${n}`, tags: { team: 'pay' } }, context)
    await provider.staging.put('name', { value: 'pending' }, context)
    await provider.put('other', { value: 'other' }, context)
  }
  await within(path, fill, { keepVersions: 'all' })
  return path
}

const long = 'x'.repeat(20_000)
const calls: Readonly<Record<string, (provider: LocalProvider) => Promise<unknown>>> = {
  'a write': (provider) => provider.put('name', { value: long }, context),
  'a first write': (provider) => provider.put('new', { value: long }, context),
  'a staged write': (provider) => provider.staging.put('other', { value: long }, context),
}

describe('on a full disk', () => {
  for (const [what, call] of Object.entries(calls)) {
    test(`${what} names the folder, changes nothing, and succeeds once there is room`, async () => {
      const path = await filledStore()
      const full = withPages(1)
      const provider = opened(path, { keepVersions: 'all' })
      const error = await failure(call(provider))
      expect(error).toMatchObject({
        code: 'UNAVAILABLE',
        problem: 'the disk is full',
        remedy: `make room in ${JSON.stringify(dirname(path))}, where the store and its log lie`,
      })
      expect(error.effect).toBeUndefined()
      await holdsAll(provider)
      full.mend()
      await call(provider)
      await provider.close()
      await holdsAllBut(path)
    })
  }

  test('a new store is not created, and the name stays free', async () => {
    const path = temporaryPath()
    const full = withPages(2)
    const provider = opened(path)
    expect(await failure(provider.put('name', { value: 'v1' }, context))).toMatchObject({
      code: 'UNAVAILABLE',
      remedy: `make room in ${JSON.stringify(dirname(path))}, where the store and its log lie`,
    })
    full.mend()
    expect((await provider.put('name', { value: 'v1' }, context)).version).toBe(1)
  })

  /** VACUUM needs room for the whole file once more. */
  test('pruning and re-encryption succeed or name the folder; nothing is lost', async () => {
    for (const maintain of [
      (provider: LocalProvider) => provider.prune({ keepVersions: 30 }),
      (provider: LocalProvider) => provider.reencrypt(),
    ]) {
      const path = await filledStore()
      const provider = opened(path, { keys: [otherKey, key], keepVersions: 'all' })
      await provider.checkHealth(context)
      const exec = DatabaseSync.prototype.exec
      const rewriting = vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql) {
        if (sql === 'VACUUM') throw Object.assign(new Error('as SQLite says'), { code: 'ERR_SQLITE_ERROR', errcode: 13 })
        exec.call(this, sql)
      })
      expect(await failure(maintain(provider))).toMatchObject({
        code: 'UNAVAILABLE',
        effect: 'done',
        problem: expect.stringContaining('the disk is full'),
        remedy: `make room in ${JSON.stringify(dirname(path))}, where the store and its log lie; the next write, or closing, erases them`,
      })
      rewriting.mockRestore()
      expect((await provider.get('name', context))?.value).toBe('v40')
      await maintain(provider)
    }
  })
})

async function holdsAll(provider: LocalProvider): Promise<void> {
  expect((await provider.get('name', context))?.value).toBe('v40')
  expect((await provider.getVersion('name', 1, context))?.value).toBe('v1')
  expect((await provider.staging.get('name', context))?.value).toBe('pending')
  expect((await collected(provider.list('', context))).map((secret) => secret.path)).toEqual(['name', 'other'])
}

async function holdsAllBut(path: string): Promise<void> {
  const provider = opened(path)
  for (const version of [1, 20, 40]) expect((await provider.getVersion('name', version, context))?.value).toBe(`v${version}`)
  expect((await provider.staging.get('name', context))?.value).toBe('pending')
}
