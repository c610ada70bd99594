import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { assertCredentialFile, mayBeCredential } from '../files/credential-file.ts'
import { shellWord } from '../terminal/shell-word.ts'
import type { Config } from './config.ts'

/** Throws unless the file of a key of the local store is there. In a fresh clone git has left it out. */
export function assertKeyFile(place: string, name: string, folder: string, config: Config): void {
  assertCredentialFile(place, { name, folder }, `${remedyFor(place, name, folder, config)}; ${withoutStore(config)}`)
}

function remedyFor(place: string, name: string, folder: string, { local }: Config): string {
  if (mayBeCredential(name)) return 'put the key into a file or a variable, and name that'
  if (place !== 'local.key' || existsSync(resolve(folder, local?.path ?? '.secrets.db')))
    return 'bring the file from where it is kept: no other key opens the store'
  const making = `finchat-secrets keygen --output ${shellWord(resolve(folder, name))}`
  return `git has neither the key nor the store: bring both from where they are kept, or begin a new store by ${making}`
}

/** As in CI. Nothing does this by itself: another provider would answer unnoticed. */
function withoutStore({ fallbacks = [] }: Config): string {
  const none = fallbacks.includes('local') ? ' FINCHAT_SECRETS_FALLBACKS=' : ''
  return `where variables have all secrets, set FINCHAT_SECRETS_PROVIDER=env${none}`
}
