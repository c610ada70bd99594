import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const configFileName = 'finchat-secrets.config.json'

/**
 * The configuration file for a folder: the nearest one, up to the root of the repository, or without
 * one of the package. Never further: folders above may be another user's.
 */
export function findConfig(cwd: string): string | undefined {
  return foldersOf(cwd)
    .map((folder) => join(folder, configFileName))
    .find((path) => existsSync(path))
}

/** The folder itself and those above it, as far as they belong to one project. */
export function foldersOf(cwd: string): string[] {
  const above = [cwd]
  for (let folder = cwd; dirname(folder) !== folder; folder = dirname(folder)) above.push(dirname(folder))
  const root = above.findIndex((folder) => existsSync(join(folder, '.git')))
  const last = root === -1 ? above.findIndex((folder) => existsSync(join(folder, 'package.json'))) : root
  return above.slice(0, Math.max(last, 0) + 1)
}
