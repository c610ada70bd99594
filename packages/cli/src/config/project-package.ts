import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { configurationError, type LoadedOnUse } from '@finchat/secrets-core/provider'
import { SecretsError } from '@finchat/secrets-core'
import { isPlanted } from '../files/planted-file.ts'
import { installCommand } from './install-command.ts'

/** The package of an entry such as `@acme/store/age`. */
export function packageOfEntry(entry: string): string {
  return entry
    .split('/')
    .slice(0, entry.startsWith('@') ? 2 : 1)
    .join('/')
}

/**
 * How a package is loaded from the project in `folder`; `undefined` if the project does not have it.
 * A program that npx or a global install runs has packages of its own. By `require`, since an import
 * of its path would find no names in its `.cjs`. Node.js looks in every folder above, which may be /tmp.
 */
export function inProject(entry: string, folder: string): (() => unknown) | undefined {
  const { createRequire } = process.getBuiltinModule('node:module') // importing it takes 2 ms of every start
  const require = createRequire(join(folder, 'package.json'))
  const places = (require.resolve.paths(entry) ?? []).filter((place) => existsSync(join(place, packageOfEntry(entry))))
  if (places.some(isPlanted)) return undefined
  try {
    require.resolve(entry)
    return () => require(entry) as unknown // an ES module
  } catch {
    return undefined
  }
}

/** The problem of `loadOnUse` for a package that is not there. */
export function isMissing(error: unknown): boolean {
  return SecretsError.isInstance(error) && error.problem.endsWith('it is not installed')
}

/** For `catch` behind `loadOnUse`: a package that is not there is said with the command that installs it. */
export function withInstallCommand({ what, name }: LoadedOnUse, folder: string): (error: unknown) => never {
  return (error) => {
    if (!isMissing(error)) throw error
    throw configurationError(`${what} needs ${name}, which is not installed`, `run: ${installCommand([name], folder)}`)
  }
}
