import {
  cpSync,
  existsSync,
  linkSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { localProvider } from '../local-provider.ts'
import { context, failure, key, opened, otherKey, tamper, temporaryFolder, temporaryPath, within } from '../testing/temporary-store.ts'

/** A store with one secret of two versions. */
async function sampleStore(): Promise<{ readonly path: string; readonly backup: string }> {
  const path = temporaryPath()
  await within(path, async (provider) => {
    await provider.put('name', { value: 'first' }, context)
    await provider.put('name', { value: 'second' }, context)
  })
  return { path, backup: join(dirname(path), 'backup.db') }
}

async function backedUp(): Promise<{ readonly path: string; readonly backup: string }> {
  const made = await sampleStore()
  await within(made.path, (provider) => provider.backup({ to: made.backup }))
  return made
}

/** The current value, read by a provider of its own. */
async function valueIn(path: string): Promise<unknown> {
  return within(path, async (provider) => (await provider.get('name', context))?.value)
}

describe('a backup', () => {
  test('is one file for its owner that opens with the same key, and says what it holds', async () => {
    const { path, backup } = await sampleStore()
    const provider = opened(path)
    await provider.put('gone', { value: 'x' }, context)
    await provider.delete('gone', { purge: false }, context)
    const contents = await provider.backup({ to: backup })
    expect(contents).toEqual({ storeId: await provider.storeId(), secrets: 2, versions: 3, changedAt: expect.any(Number) })
    expect(readdirSync(dirname(backup)).filter((name) => name.startsWith('backup'))).toEqual(['backup.db'])
    expect(statSync(backup).mode & 0o777).toBe(0o600)
    expect(await valueIn(backup)).toBe('second')
  })

  test('has what is only in the log, and not what is written later', async () => {
    const { path, backup } = await sampleStore()
    const provider = opened(path)
    await provider.put('name', { value: 'in the log' }, context)
    await provider.backup({ to: backup })
    await provider.put('name', { value: 'later' }, context)
    expect(await valueIn(backup)).toBe('in the log')
  })

  test('of a store in memory is a store on disk', async () => {
    const to = temporaryPath()
    const provider = opened(':memory:')
    await provider.put('name', { value: 'kept' }, context)
    await provider.backup({ to })
    expect(await valueIn(to)).toBe('kept')
  })

  test('replaces no file unless that is asked for, and never a store in use', async () => {
    const { path, backup } = await backedUp()
    const provider = opened(path)
    await provider.put('name', { value: 'third' }, context)
    const before = readFileSync(backup)
    expect(await failure(provider.backup({ to: backup }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      problem: expect.stringContaining('already a file'),
    })
    expect(readFileSync(backup).equals(before)).toBe(true)
    for (const to of [path, join(dirname(path), '.', basename(path))])
      expect((await failure(provider.backup({ to, overwrite: true }))).code).toBe('INVALID_ARGUMENT')
    const device = join(dirname(path), 'device')
    symlinkSync('/dev/null', device)
    expect(await failure(provider.backup({ to: device, overwrite: true }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      problem: expect.stringContaining('is no regular file'),
    })
    await provider.backup({ to: backup, overwrite: true })
    expect(await valueIn(backup)).toBe('third')
  })

  test('gets no name if the store was altered', async () => {
    const { path, backup } = await sampleStore()
    tamper(path, "UPDATE secrets SET sealed = zeroblob(length(sealed)) WHERE path = 'name' AND version = 1")
    expect((await failure(opened(path).backup({ to: backup }))).code).toBe('INTEGRITY')
    expect(readdirSync(dirname(path)).filter((name) => !name.startsWith('secrets.db'))).toEqual([])
  })

  test('of a store that is not there, or to a folder that is not there, is CONFIGURATION', async () => {
    const { path } = await sampleStore()
    const missing = join(temporaryFolder(), 'missing.db')
    expect((await failure(opened(missing).backup({ to: `${missing}.backup` }))).code).toBe('CONFIGURATION')
    expect(existsSync(missing)).toBe(false)
    expect((await failure(opened(path).backup({ to: join(dirname(path), 'no', 'backup.db') }))).code).toBe('CONFIGURATION')
  })

  test('takes the place of what a killed backup of that name left', async () => {
    const { path, backup } = await sampleStore()
    writeFileSync(`${backup}.0123456789ab.new`, '')
    await within(path, (provider) => provider.backup({ to: backup }))
    expect(readdirSync(dirname(path)).toSorted()).toEqual(['backup.db', 'secrets.db'])
  })
})

describe('restoring a backup', () => {
  test('puts a copy of it in place, and keeps the former file', async () => {
    const { path, backup } = await backedUp()
    await within(path, (provider) => provider.put('name', { value: 'third' }, context))
    const report = await opened(path).restoreBackup({ from: backup })
    expect(report).toMatchObject({ restored: true, lost: 1, backup: { versions: 2 }, present: { versions: 3 }, problem: undefined })
    expect(await valueIn(path)).toBe('second')
    expect(await valueIn(String(report.former))).toBe('third')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await valueIn(backup)).toBe('second')
    expect(readdirSync(dirname(path)).toSorted()).toEqual(['backup.db', 'secrets.db', basename(String(report.former))])
  })

  test('asks first, and changes nothing if the answer is no', async () => {
    const { path, backup } = await backedUp()
    await within(path, (provider) => provider.put('name', { value: 'third' }, context))
    const confirm = vi.fn<() => boolean>(() => false)
    expect(await opened(path).restoreBackup({ from: backup, confirm })).toMatchObject({ restored: false, former: undefined })
    expect(confirm).toHaveBeenCalledWith(expect.objectContaining({ lost: 1 }))
    expect(await valueIn(path)).toBe('third')
    expect(readdirSync(dirname(path)).toSorted()).toEqual(['backup.db', 'secrets.db'])
  })

  test.each<[string, (path: string, backup: string) => Promise<unknown>]>([
    ['writes', (path) => within(path, (provider) => provider.put('name', { value: 'meanwhile' }, context))],
    ['restores a backup', (path, backup) => opened(path).restoreBackup({ from: backup })],
  ])('is UNAVAILABLE if somebody %s while the answer is awaited: it is of what was compared', async (what, meanwhile) => {
    const { path, backup } = await backedUp()
    await within(path, (provider) => provider.put('name', { value: 'third' }, context))
    const confirm = async (): Promise<true> => {
      await meanwhile(path, backup)
      return true
    }
    expect(await failure(opened(path).restoreBackup({ from: backup, confirm }))).toMatchObject({
      code: 'UNAVAILABLE',
      problem: 'the store was written to after it was compared with the backup',
    })
    expect(await valueIn(path)).toBe(what === 'writes' ? 'meanwhile' : 'second')
    expect(readdirSync(dirname(path)).filter((name) => name.endsWith('.restoring'))).toEqual([])
  })

  test('is UNAVAILABLE if a store is created while the answer is awaited', async () => {
    const { backup } = await backedUp()
    const path = temporaryPath()
    const confirm = async (): Promise<true> => {
      await within(path, (provider) => provider.put('name', { value: 'meanwhile' }, context))
      return true
    }
    expect((await failure(opened(path).restoreBackup({ from: backup, confirm }))).code).toBe('UNAVAILABLE')
    expect(await valueIn(path)).toBe('meanwhile')
  })

  test('is UNAVAILABLE while a connection has the store open, which goes on', async () => {
    const { path, backup } = await backedUp()
    const user = opened(path)
    await user.get('name', context)
    expect(await failure(opened(path, { lockTimeoutMs: 0 }).restoreBackup({ from: backup }))).toMatchObject({
      code: 'UNAVAILABLE',
      problem: 'another program has the store open',
    })
    await user.put('name', { value: 'third' }, context)
    await user.close()
    expect(await valueIn(path)).toBe('third')
  })

  test('works where there is no store, one that is damaged, and one that another key sealed', async () => {
    const { path, backup } = await backedUp()
    const folder = temporaryFolder()
    const none = join(folder, 'none.db')
    expect(await opened(none).restoreBackup({ from: backup })).toMatchObject({ present: undefined, lost: 0, former: undefined })
    expect(await valueIn(none)).toBe('second')
    const broken = join(folder, 'broken.db')
    writeFileSync(broken, 'no store')
    writeFileSync(`${broken}-shm`, 'stale')
    expect(await opened(broken).restoreBackup({ from: backup })).toMatchObject({ problem: { code: 'CONFIGURATION' }, lost: undefined })
    expect(await valueIn(broken)).toBe('second')
    const other = join(folder, 'other.db')
    await within(other, (provider) => provider.put('name', { value: 'x' }, context), { keys: [otherKey] })
    expect(await opened(other).restoreBackup({ from: backup })).toMatchObject({ problem: { code: 'CONFIGURATION' } })
    expect(await valueIn(other)).toBe('second')
    expect(existsSync(path)).toBe(true)
  })

  test('of an altered backup, of no backup, or of the store itself changes nothing', async () => {
    const { path, backup } = await backedUp()
    const altered = join(dirname(path), 'altered.db')
    cpSync(backup, altered)
    tamper(altered, "UPDATE secrets SET sealed = zeroblob(length(sealed)) WHERE path = 'name' AND version = 1")
    const damaged = join(dirname(path), 'damaged.db')
    const bytes = readFileSync(backup)
    bytes.writeUInt32BE(9, 36) // the number of free pages, which no row depends on
    writeFileSync(damaged, bytes)
    const text = join(dirname(path), 'text.db')
    writeFileSync(text, 'no backup')
    const codes = []
    for (const from of [altered, damaged, text, join(dirname(path), 'missing.db'), path, dirname(path)])
      codes.push((await failure(opened(path).restoreBackup({ from }))).code)
    expect(codes).toEqual(['INTEGRITY', 'INTEGRITY', 'CONFIGURATION', 'CONFIGURATION', 'CONFIGURATION', 'CONFIGURATION'])
    expect(await valueIn(path)).toBe('second')
    expect(readdirSync(dirname(path)).filter((name) => name.startsWith('secrets.db'))).toEqual(['secrets.db'])
  })

  test('of a copy that lacks its log is refused', async () => {
    const { path } = await sampleStore()
    const live = temporaryPath()
    const provider = opened(live)
    await provider.put('name', { value: 'in the log' }, context)
    expect(await failure(opened(path).restoreBackup({ from: live }))).toMatchObject({ problem: expect.stringContaining('in its log') })
  })

  test('of another store than `storeId` names is INTEGRITY', async () => {
    const { backup } = await backedUp()
    const { path } = await sampleStore()
    const storeId = await within(path, (provider) => provider.storeId())
    expect((await failure(opened(path, { storeId }).restoreBackup({ from: backup }))).code).toBe('INTEGRITY')
  })

  test('follows a link to the store', async () => {
    const { path, backup } = await backedUp()
    await within(path, (provider) => provider.put('name', { value: 'third' }, context))
    const link = join(temporaryFolder(), 'link.db')
    symlinkSync(path, link)
    await opened(link).restoreBackup({ from: backup })
    expect(await valueIn(path)).toBe('second')
  })

  test('needs the key that sealed the backup, beside a newer one', async () => {
    const { path, backup } = await backedUp()
    await within(path, (provider) => provider.reencrypt(), { keys: [otherKey, key] })
    expect((await failure(opened(path, { keys: [otherKey] }).restoreBackup({ from: backup }))).code).toBe('CONFIGURATION')
    const { needsOtherKeys } = await opened(path, { keys: [otherKey, key] }).restoreBackup({ from: backup })
    expect([await valueIn(path), needsOtherKeys]).toEqual(['second', true])
    const again = await opened(path, { keys: [key, otherKey] }).restoreBackup({ from: backup })
    expect(again.needsOtherKeys).toBe(false)
  })

  test('is the first call of a provider, and the last', async () => {
    const { path, backup } = await backedUp()
    const used = opened(path)
    await used.get('name', context)
    expect((await failure(used.restoreBackup({ from: backup }))).code).toBe('CONFIGURATION')
    await used.close()
    const provider = localProvider({ path, key })
    await provider.restoreBackup({ from: backup })
    expect((await failure(provider.get('name', context))).code).toBe('ABORTED')
  })
})

test('a connection to the former file refuses to write into it', async () => {
  const { path, backup } = await backedUp()
  const user = opened(path)
  await user.get('name', context)
  cpSync(backup, `${path}.next`)
  renameSync(`${path}.next`, path) // as a restore on a file system without locks would
  expect(await failure(user.put('name', { value: 'lost' }, context))).toMatchObject({ code: 'UNAVAILABLE' })
  await user.close()
  expect(await valueIn(path)).toBe('second')
})

test('a store whose restore was killed between its steps can be written, and by its first name alone', async () => {
  const { path, backup } = await backedUp()
  const former = `${path}.before-restore-2026-01-01T00-00-00-000Z`
  linkSync(path, former)
  await within(path, (provider) => provider.put('name', { value: 'third' }, context))
  expect((await failure(opened(former).get('name', context))).code).toBe('CONFIGURATION')
  expect(existsSync(former)).toBe(true) // the restore may still run, and is to keep the file
  linkSync(path, `${path}.copy`)
  expect((await failure(opened(path).get('name', context))).code).toBe('CONFIGURATION')
  unlinkSync(`${path}.copy`)
  const report = await opened(path).restoreBackup({ from: backup })
  expect(readdirSync(dirname(path)).toSorted()).toEqual(['backup.db', 'secrets.db', basename(String(report.former))])
  expect(await valueIn(String(report.former))).toBe('third')
})
