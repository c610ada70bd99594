import { SecretsError } from '@finchat/secrets-core'

/** Loaded when first needed, so that importing this package costs nothing; what Node has loaded once is only looked up. */
export function loadCrypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto')
}

/** As `loadCrypto`. Throws `CONFIGURATION` on a Node.js that was built without SQLite. */
export function loadSqlite(): typeof import('node:sqlite') {
  // A Node.js without SQLite answers undefined here, which its types do not know.
  const sqlite: typeof import('node:sqlite') | undefined = withoutSqliteWarning(() => process.getBuiltinModule('node:sqlite'))
  if (sqlite) return sqlite
  throw new SecretsError('CONFIGURATION', 'this Node.js has no node:sqlite', { remedy: 'run Node.js 22.19 or later' })
}

/**
 * Node.js 22 warns that SQLite is experimental when it is loaded. The API used here did not change in 24, where it is
 * stable, so users are spared that one line: for the time of one synchronous call, and every other warning passes.
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
