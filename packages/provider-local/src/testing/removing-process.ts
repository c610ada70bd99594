import { DatabaseSync } from 'node:sqlite'
import { localProvider } from '../local-provider.ts'
import { key, otherKey } from './key.ts'

/*
 * Removes something in another process, which is killed between the commit and erasing. `node
 * removing-process.ts PATH WHAT WHEN`
 */
const [path = '', what = '', when = ''] = process.argv.slice(2)
const context = { signal: new AbortController().signal }
const provider = localProvider({ path, keys: what === 'reencrypt' ? [otherKey, key] : [key] })
await provider.checkHealth(context)

const { exec, prepare } = DatabaseSync.prototype
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql) {
  if (sql === 'VACUUM' && when === 'before the file is written anew') process.kill(process.pid, 'SIGKILL')
  Reflect.apply(exec, this, [sql])
  if (sql === 'VACUUM' && when === 'after the file is written anew') process.kill(process.pid, 'SIGKILL')
}
DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql) {
  if (sql.includes('TRUNCATE')) process.kill(process.pid, 'SIGKILL')
  return Reflect.apply(prepare, this, [sql])
}

if (what === 'purge') await provider.delete('name', { purge: true }, context)
else if (what === 'prune') await provider.prune({ keepVersions: 1 })
else if (what === 'discard') await provider.staging.discard('name', (await provider.staging.get('name', context)) ?? {}, context)
else await provider.reencrypt()
