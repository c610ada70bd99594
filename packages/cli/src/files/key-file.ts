import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { shellWord } from '../terminal/shell-word.ts'
import { assertCredentialFile, mayBeCredential, type NamedFile } from './credential-file.ts'

/** What the configuration says beside the key. */
export interface KeyedStore {
  /** The file of the store. */
  readonly path: string
  /** Whether the local store is asked behind another provider. */
  readonly isFallback: boolean
}

/** Throws unless the file of a key of the local store is there. In a fresh clone git has left it out. */
export function assertKeyFile(place: string, file: NamedFile, store: KeyedStore): void {
  assertCredentialFile(place, file, `${remedyFor(place, file, store)}; ${withoutStore(store)}`)
}

function remedyFor(place: string, { name, folder }: NamedFile, { path }: KeyedStore): string {
  if (mayBeCredential(name)) return 'put the key into a file or a variable, and name that'
  if (place !== 'local.key' || existsSync(path)) return 'bring the file from where it is kept: no other key opens the store'
  const making = `finchat-secrets keygen --output ${shellWord(resolve(folder, name))}`
  return `git has neither the key nor the store: bring both from where they are kept, or begin a new store by ${making}`
}

/** As in CI. Nothing does this by itself: another provider would answer unnoticed. */
function withoutStore({ isFallback }: KeyedStore): string {
  return `where variables have all secrets, set FINCHAT_SECRETS_PROVIDER=env${isFallback ? ' FINCHAT_SECRETS_FALLBACKS=' : ''}`
}
