import { localProvider } from '../local-provider.ts'
import { key } from './key.ts'

/*
 * Backs a store up again and again: `node backup-process.ts backup PATH FILE`; or restores a backup
 * again and again: `restore PATH FILE`. Prints a line after each.
 */
const [what = '', path = '', file = ''] = process.argv.slice(2)

for (;;) {
  const provider = localProvider({ path, key })
  if (what === 'backup') await provider.backup({ to: file, overwrite: true })
  else await provider.restoreBackup({ from: file })
  await provider.close()
  process.stdout.write('done\n')
}
