import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Environment } from '@finchat/secrets-core'
import { configurationError } from '@finchat/secrets-core/provider'
import { isPlanted } from '../files/planted-file.ts'

export const configFileName = 'finchat-secrets.config.json'

/**
 * The configuration file for a folder: the nearest one, up to the root of the repository, or without
 * one of the package. Never further: folders above may be another user's. Throws `CONFIGURATION` for
 * one that another user put into a shared folder: it names packages to load, and where tokens go.
 */
export function findConfig(cwd: string): string | undefined {
  const file = nearestConfig(cwd)
  if (file === undefined || !isPlanted(file)) return file
  throw configurationError(
    `${configFileName} in ${dirname(file)} is another user's, and all users share this folder`,
    'go to the folder of your project, or name this file if you trust it',
  )
}

function nearestConfig(cwd: string): string | undefined {
  return foldersOf(cwd)
    .map((folder) => join(folder, configFileName))
    .find((path) => existsSync(path))
}

/** That neither a file nor a variable configures anything here; `undefined` if one does. */
export function missingConfig(cwd: string, env: Environment): string | undefined {
  const folder = resolve(cwd)
  if (isConfigured(env) || nearestConfig(folder) !== undefined) return undefined
  const [, ...above] = foldersOf(folder)
  const where = above.length === 0 ? folder : `${folder} or above, up to ${above.at(-1)}`
  return `no ${configFileName} was found in ${where}`
}

/** Whether a variable that may configure it is set. The table of settings would take time at each start. */
function isConfigured(env: Environment): boolean {
  return Object.keys(env).some((name) => name.startsWith('FINCHAT_') && Boolean(env[name]))
}

/** The folder itself and those above it, as far as they belong to one project. */
export function foldersOf(cwd: string): string[] {
  const above = [cwd]
  for (let folder = cwd; dirname(folder) !== folder; folder = dirname(folder)) above.push(dirname(folder))
  const root = above.findIndex((folder) => existsSync(join(folder, '.git')))
  const last = root === -1 ? above.findIndex((folder) => existsSync(join(folder, 'package.json'))) : root
  return above.slice(0, Math.max(last, 0) + 1)
}
