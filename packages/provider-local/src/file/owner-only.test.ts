import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { context, createStore, failure, opened, temporaryFolder, temporaryPath, within } from '../testing/temporary-store.ts'

function modesIn(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).map((file) => [file, (statSync(join(folder, file)).mode & 0o777).toString(8)]))
}

describe('the files of a store', () => {
  for (const umask of [0o000, 0o022, 0o277]) {
    test(`have mode 0600 under umask ${umask.toString(8)}`, async () => {
      const path = temporaryPath()
      const before = process.umask(umask)
      try {
        const provider = opened(path)
        await provider.put('name', { value: 'value' }, context)
        expect(modesIn(dirname(path))).toEqual({ 'secrets.db': '600', 'secrets.db-wal': '600', 'secrets.db-shm': '600' })
      } finally {
        process.umask(before)
      }
    })
  }

  test('get mode 0600 if others could open them', async () => {
    const path = temporaryPath()
    await createStore(path)
    chmodSync(path, 0o644)
    await within(path, (provider) => provider.checkHealth(context))
    expect(modesIn(dirname(path))).toEqual({ 'secrets.db': '600' })
  })

  test('beside it get mode 0600 too', async () => {
    const [path, copy] = [temporaryPath(), temporaryPath()]
    const provider = opened(path)
    await provider.put('name', { value: 'value' }, context)
    for (const suffix of ['', '-wal', '-shm']) execFileSync('sh', ['-c', 'umask 022; cat "$0" > "$1"', path + suffix, copy + suffix])
    await opened(copy).get('name', context)
    for (const suffix of ['', '-wal', '-shm']) expect((statSync(copy + suffix).mode & 0o777).toString(8)).toBe('600')
  })
})

test('a file that is no store keeps its mode, also behind a link', async () => {
  const [folder, hosts] = [temporaryFolder(), join(temporaryFolder(), 'hosts')]
  writeFileSync(hosts, '127.0.0.1 localhost\n'.repeat(99))
  chmodSync(hosts, 0o644)
  symlinkSync(hosts, join(folder, 'secrets.db'))
  expect((await failure(opened(join(folder, 'secrets.db')).get('name', context))).code).toBe('CONFIGURATION')
  expect((statSync(hosts).mode & 0o777).toString(8)).toBe('644')
})
