import { builtinModules } from 'node:module'

/** What was asked for cannot be done: its message says why, and the program exits with 64. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError'
}

/** The names that stand in the files of one provider. */
export interface Names {
  /** `@acme/my-store`, as npm calls it. */
  readonly package: string
  /** `my-store`. */
  readonly folder: string
  /** The provider's own name: that of the folder, without `-provider`. */
  readonly store: string
  readonly camel: string
  readonly pascal: string
  /** What stands in the names of its variables: `MY_STORE`. */
  readonly upper: string
}

const longest = 214
/** Of a provider's name, as core has it. */
const longestStore = 64
const part = '[a-z0-9-][a-z0-9._-]*'
const grammar = new RegExp(`^(?:@${part}/)?${part}$`)
const reserved: ReadonlySet<string> = new Set(['node_modules', 'favicon.ico', ...builtinModules])

/** The files import `namesFromEnv` and `testSecretProvider`, and cannot declare them too. */
const imported: ReadonlySet<string> = new Set(['Names', 'TestSecret'])

/** Refuses what npm refuses, and with it every path; and a longer name than a provider may have. */
export function namesOf(name: string): Names {
  const folder = name.slice(name.indexOf('/') + 1)
  if (!grammar.test(name) || name.length > longest || reserved.has(folder) || !/[a-z0-9]/.test(folder))
    throw new UsageError(`${JSON.stringify(name)} is no name for npm: use small letters, digits and -, such as my-store or @acme/my-store`)
  const store = folder.replace(/(?<=[a-z0-9])-provider$/, '')
  if (store.length > longestStore)
    throw new UsageError(`${JSON.stringify(store)} is too long for a provider: use at most ${longestStore} characters after the scope`)
  const words = store.match(/[a-z0-9]+/g) ?? []
  const pascal = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  const safe = /^\d/.test(pascal) || imported.has(pascal) ? `Store${pascal}` : pascal
  const upper = words.join('_').toUpperCase()
  return { package: name, folder, store, upper, camel: safe.charAt(0).toLowerCase() + safe.slice(1), pascal: safe }
}
