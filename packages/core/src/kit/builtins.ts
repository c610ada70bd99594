import { SecretsError } from '../errors/secrets-error.ts'

interface Builtins {
  'node:crypto': typeof import('node:crypto')
  'node:sqlite': typeof import('node:sqlite')
}

/**
 * Returns a module of Node.js, loaded at the first call. Suppresses Node.js 22's warning that
 * `node:sqlite` is experimental. Throws `CONFIGURATION`, with `user` as its subject, if Node.js is
 * too old or lacks the module.
 *
 * @example
 * import { loadBuiltin } from '@finchat/secrets-core/provider'
 *
 * const { randomBytes } = loadBuiltin('node:crypto', 'my store')
 * console.log(randomBytes(16).length) // 16
 */
export function loadBuiltin<Name extends keyof Builtins>(name: Name, user: string): Builtins[Name] {
  const found = name === 'node:sqlite' ? withoutSqliteWarning(() => lookUp(name)) : lookUp(name)
  if (found !== undefined) return found as Builtins[Name] // the module of that name
  throw new SecretsError('CONFIGURATION', `${user} needs Node.js 22.19 or later, with ${name}; this is ${process.version}`)
}

let crypto: typeof import('node:crypto') | undefined

/**
 * Returns `node:crypto`, looked up at the first call: importing a package loads none of it. Throws
 * `CONFIGURATION` where Node.js is too old or was built without it.
 *
 * @example
 * import { loadCrypto } from '@finchat/secrets-core/provider'
 *
 * console.log(loadCrypto().randomBytes(16).length) // 16
 */
export function loadCrypto(): typeof import('node:crypto') {
  return (crypto ??= loadBuiltin('node:crypto', '@finchat/secrets')) // cached, since every hash calls it
}

/** Node.js before 20.16 has no `getBuiltinModule`, but its types do. */
function lookUp(name: keyof Builtins): object | undefined {
  return typeof process.getBuiltinModule === 'function' ? process.getBuiltinModule(name) : undefined
}

function withoutSqliteWarning<T>(load: () => T): T {
  const emitWarning = process.emitWarning
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (!String(warning).startsWith('SQLite is an experimental feature')) Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}
