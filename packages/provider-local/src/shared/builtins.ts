import { loadBuiltin } from '@finchat/secrets-core/provider'

const user = 'the local store'

let crypto: typeof import('node:crypto') | undefined

/** Cached, since every hash calls it. */
export function loadCrypto(): typeof import('node:crypto') {
  return (crypto ??= loadBuiltin('node:crypto', user))
}

export function loadSqlite(): typeof import('node:sqlite') {
  return loadBuiltin('node:sqlite', user)
}
