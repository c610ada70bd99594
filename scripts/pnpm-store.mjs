import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Where home is on another file system, pnpm keeps what it downloads in the topmost folder of the
 * project's. If others may write there, as in a shared temporary folder, they could put packages
 * into it: it is kept in the project then.
 *
 * @param {string} project
 * @param {string} home
 * @param {(path: string, options?: object) => { dev: number, mode: number } | undefined} stat
 */
export function pnpmStoreSettings(project, home = homedir(), stat = statSync) {
  const { dev } = stat(project)
  if (stat(home, { throwIfNoEntry: false })?.dev === dev) return {}
  let top = project
  while (dirname(top) !== top && stat(dirname(top)).dev === dev) top = dirname(top)
  if ((stat(top).mode & 0o022) === 0) return {}
  const path = join(project, '.cache/pnpm-store')
  return { npm_config_store_dir: path, pnpm_config_store_dir: path }
}
