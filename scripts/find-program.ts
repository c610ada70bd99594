import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The path of a program that this machine has, or nothing. */
export function findOnPath(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const folders = (env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

export const needsChromium = 'install chromium, or name it by CHROMIUM'

/** A browser that looks at pages. */
export function chromium(): string | undefined {
  return process.env['CHROMIUM'] ?? findOnPath('chromium')
}
