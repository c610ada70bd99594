import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { context, opened, temporaryFolder, within } from './testing/temporary-store.ts'

/** Runs the guide's own commands. */
function backUp(folder: string): void {
  const guide = readFileSync(new URL('../../../docs/local-store.md', import.meta.url), 'utf8')
  const [lines = ''] = /^umask 077[^`]*/m.exec(guide) ?? []
  const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
  execFileSync('sh', ['-c', lines], { cwd: folder, env: { PATH }, stdio: 'pipe' })
}

test('the backup command of the guide copies what is only in the log, for the owner alone', async () => {
  const folder = temporaryFolder()
  const store = opened(join(folder, '.secrets.db'))
  await store.put('name', { value: 'in the log' }, context)
  backUp(folder)
  expect(statSync(join(folder, 'backup.db')).mode & 0o777).toBe(0o600)
  await store.put('name', { value: 'later' }, context)
  await store.close?.(context)
  copyFileSync(join(folder, 'backup.db'), join(folder, '.secrets.db'))
  await within(join(folder, '.secrets.db'), async (provider) => expect((await provider.get('name', context))?.value).toBe('in the log'))
})

test('the backup command fails for a missing store and creates no file', () => {
  const folder = temporaryFolder()
  expect(() => backUp(folder)).toThrow(/unable to open database file/)
  expect([existsSync(join(folder, '.secrets.db')), existsSync(join(folder, 'backup.db'))]).toEqual([false, false])
})
