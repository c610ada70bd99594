import { SecretsError } from '@finchat/secrets-core'
import { type LocalProvider, localProvider } from '../local-provider.ts'
import { key } from './key.ts'

/*
 * Backs a store up again and again: `node backup-process.ts backup PATH FILE`; or restores a backup
 * again and again: `restore PATH FILE`. Prints a line after each. `read PATH` opens the store again
 * and again, and prints what it read, or the code of the error.
 */
const [what = '', path = '', file = ''] = process.argv.slice(2)

async function read(provider: LocalProvider): Promise<unknown> {
  const { signal } = new AbortController()
  try {
    return (await provider.get('name', { signal }))?.value
  } catch (error) {
    return SecretsError.isInstance(error) ? error.code : 'no error of ours'
  }
}

for (;;) {
  const provider = localProvider({ path, key })
  if (what === 'backup') await provider.backup({ to: file, overwrite: true })
  else if (what === 'restore') await provider.restoreBackup({ from: file })
  const printed = what === 'read' ? await read(provider) : 'done'
  await provider.close()
  process.stdout.write(`${String(printed)}\n`)
}
