import { chmodSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { getCompileCacheDir } from 'node:module'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { enableCompileCache } from './compile-cache.ts'

const modeOf = (path: string): number => statSync(path).mode & 0o777

it('makes a folder for the user alone, under XDG_CACHE_HOME or else HOME', () => {
  const [home, cache] = [makeProject({}), makeProject({})]
  enableCompileCache({ HOME: home, XDG_CACHE_HOME: cache })
  expect([modeOf(join(cache, 'finchat-secrets')), existsSync(join(home, '.cache'))]).toEqual([0o700, false])
  enableCompileCache({ HOME: home, XDG_CACHE_HOME: '' })
  expect(modeOf(join(home, '.cache/finchat-secrets'))).toBe(0o700)
})

it('takes away the rights of others from a folder that it finds', () => {
  const home = makeProject({ '.cache/finchat-secrets/x': '' })
  chmodSync(join(home, '.cache/finchat-secrets'), 0o755)
  enableCompileCache({ HOME: home })
  expect(modeOf(join(home, '.cache/finchat-secrets'))).toBe(0o700)
})

it('uses none that is relative to the current folder, or in which others could have put code', () => {
  const open = makeProject({ '.cache/finchat-secrets/x': '' })
  chmodSync(join(open, '.cache/finchat-secrets'), 0o775)
  const before = getCompileCacheDir()
  for (const env of [{ XDG_CACHE_HOME: 'relative', HOME: open }, { HOME: 'relative' }, { HOME: open }]) enableCompileCache(env)
  expect([getCompileCacheDir(), existsSync('relative')]).toEqual([before, false])
})

it.each(['a file', 'a link'])('uses none where %s stands in its place', (kind) => {
  const [home, elsewhere] = [makeProject(kind === 'a file' ? { '.cache/finchat-secrets': '' } : {}), makeProject({})]
  chmodSync(elsewhere, 0o755)
  mkdirSync(join(home, '.cache'), { recursive: true })
  if (kind === 'a link') symlinkSync(elsewhere, join(home, '.cache/finchat-secrets'))
  const before = getCompileCacheDir()
  enableCompileCache({ HOME: home })
  expect([getCompileCacheDir(), modeOf(elsewhere)]).toEqual([before, 0o755])
})

it('does without where none can be made', () => {
  const home = makeProject({})
  rmSync(home, { recursive: true })
  symlinkSync(home, home) // leads nowhere
  expect(() => enableCompileCache({ HOME: home })).not.toThrow()
  rmSync(home)
})
