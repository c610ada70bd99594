import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache as enable } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '@finchat/secrets-core'
import { isProgram } from './read-config.ts'

/**
 * Keeps the compiled configuration of a program, which halves its start. A secret that stands in it
 * is then in that folder in plain text: so the folder is the user's alone, or there is none.
 */
export function enableCompileCache(file: string, env: Environment): void {
  const folder = isProgram(file) ? ownFolder(env) : undefined
  if (folder !== undefined) enable(folder)
}

function ownFolder({ XDG_CACHE_HOME: cache, HOME: home = homedir() }: Environment): string | undefined {
  const folder = join(cache || join(home, '.cache'), 'finchat-secrets')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { uid, isDirectory } = pick(folder)
    if (!isDirectory || uid !== process.getuid?.()) return undefined
    chmodSync(folder, 0o700)
    return folder
  } catch {
    return undefined
  }
}

function pick(folder: string): { readonly uid: number; readonly isDirectory: boolean } {
  const status = lstatSync(folder)
  return { uid: status.uid, isDirectory: status.isDirectory() }
}
