import { expect, test } from 'vitest'
import { pnpmStoreSettings } from './pnpm-store.mjs'

const shared = 0o1777
const own = 0o755

/** A machine of two file systems: `/` has number 1, what lies at or below `mount` number 2. */
function settings(project: string, { home = '/home/me', mount = '/shared', mode = shared } = {}): Record<string, string> {
  const stat = (path: string): { dev: number; mode: number } | undefined =>
    path === '/nowhere' ? undefined : { dev: `${path}/`.startsWith(mount) ? 2 : 1, mode: path === mount || mount === '/' ? mode : own }
  return pnpmStoreSettings(project, home, stat)
}

test('what pnpm downloads is kept in the project where its own place could be written by others', () => {
  const path = '/shared/work/secrets/.cache/pnpm-store'
  expect(settings('/shared/work/secrets/')).toEqual({ npm_config_store_dir: path, pnpm_config_store_dir: path })
  expect(settings('/shared/work/secrets', { mode: 0o775 })).toEqual({ npm_config_store_dir: path, pnpm_config_store_dir: path })
  expect(settings('/shared/work/secrets', { home: '/nowhere' })).toHaveProperty('npm_config_store_dir', path)
})

test.each([
  ['the project is beside home', '/home/me/secrets', {}],
  ['home is on the same file system', '/shared/work/secrets', { home: '/shared/home' }],
  ['only its owner writes in the topmost folder', '/data/secrets', { mount: '/data', mode: own }],
])('it stays where pnpm would keep it if %s', (_, project, machine) => {
  expect(settings(project, machine)).toEqual({})
})
