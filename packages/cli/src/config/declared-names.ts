import { resolve } from 'node:path'
import { findConfig } from './find-config.ts'
import { readConfig } from './read-config.ts'

/** The names that the nearest JSON configuration declares; none if it is missing or wrong. No program is run, and no store asked. */
export async function declaredNames(cwd: string): Promise<readonly string[]> {
  const file = findConfig(resolve(cwd))
  const config = file === undefined ? {} : await readConfig(file).catch(() => ({ secrets: {} }))
  return Object.keys(config.secrets ?? {})
}
