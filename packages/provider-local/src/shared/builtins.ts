import { loadBuiltin } from '@finchat/secrets-core/provider'

export function loadSqlite(): typeof import('node:sqlite') {
  return loadBuiltin('node:sqlite', 'the local store')
}
