import { SecretsError } from '@finchat/secrets-core'

let crypto: typeof import('node:crypto') | undefined

/** Loads on first use, so that importing the package costs nothing. */
export function loadCrypto(): typeof import('node:crypto') {
  crypto ??= loaded(() => process.getBuiltinModule('node:crypto'))
  return crypto
}

/** Throws `CONFIGURATION` on a Node.js that is too old or was built without SQLite. */
export function loadSqlite(): typeof import('node:sqlite') {
  return loaded(() => withoutSqliteWarning(() => process.getBuiltinModule('node:sqlite')))
}

/** An older Node.js has no `getBuiltinModule`, which its types do not show. */
function loaded<T>(load: () => T | undefined): T {
  const module = typeof process.getBuiltinModule === 'function' ? load() : undefined
  if (module !== undefined) return module
  throw new SecretsError('CONFIGURATION', `the local store needs Node.js 22.19 or later, with node:sqlite; this is ${process.version}`)
}

/**
 * Drops the warning of Node.js 22 that SQLite is experimental; Node.js 24 has the same API as
 * stable.
 */
function withoutSqliteWarning<T>(load: () => T): T {
  const emitWarning = process.emitWarning
  const filtered = (warning: string | Error, ...rest: unknown[]): void => {
    if (!String(warning).startsWith('SQLite is an experimental feature')) Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  process.emitWarning = filtered
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}
