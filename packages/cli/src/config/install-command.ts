import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { foldersOf } from './find-config.ts'

/** Lockfiles, and what adds a package where they are. */
const commands: readonly (readonly [lockfile: string, command: string])[] = [
  ['pnpm-lock.yaml', 'pnpm add'],
  ['yarn.lock', 'yarn add'],
  ['bun.lock', 'bun add'],
  ['bun.lockb', 'bun add'],
  ['package-lock.json', 'npm install'],
  ['npm-shrinkwrap.json', 'npm install'],
]

/** The command that installs these packages, by the package manager whose lockfile is nearest. */
export function installCommand(packages: readonly string[], folder: string): string {
  const found = foldersOf(folder).flatMap((each) => commands.filter(([lockfile]) => existsSync(join(each, lockfile))))
  const [, command = 'npm install'] = found[0] ?? []
  return `${command} ${packages.join(' ')}`
}
