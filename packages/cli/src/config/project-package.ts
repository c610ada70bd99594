import { createRequire } from 'node:module'
import { join } from 'node:path'
import { configurationError, loadOnUse, type LoadedOnUse } from '@finchat/secrets-core/provider'
import { SecretsError } from '@finchat/secrets-core'
import { installCommand } from './install-command.ts'

/**
 * How a package is loaded from the project in `folder`; `undefined` if the project does not have it.
 * A program that npx or a global install runs has packages of its own. By `require`, since an import
 * of its path would find no names in its `.cjs`.
 */
export function inProject<Exports>(entry: string, folder: string): (() => Exports) | undefined {
  const require = createRequire(join(folder, 'package.json'))
  try {
    require.resolve(entry)
    return () => require(entry) as Exports // an ES module
  } catch {
    return undefined
  }
}

/** The problem of `loadOnUse` for a package that is not there. */
export function isMissing(error: unknown): boolean {
  return SecretsError.isInstance(error) && error.problem.endsWith('it is not installed')
}

/** Loads an optional package as the project has it, else as this program has it. */
export async function loadOptional<Module extends object>(
  loaded: LoadedOnUse,
  folder: string,
  member: keyof Module,
  ownCopy: () => Promise<Module>,
): Promise<Module> {
  return loadOnUse(loaded, async () => inProject<Module>(loaded.name, folder)?.() ?? ownCopy(), member).catch((error: unknown) => {
    if (!isMissing(error)) throw error
    throw configurationError(`${loaded.what} needs ${loaded.name}, which is not installed`, `run: ${installCommand([loaded.name], folder)}`)
  })
}
