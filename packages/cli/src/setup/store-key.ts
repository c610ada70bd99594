import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { Environment } from '@finchat/secrets-core'
import type { CredentialSource } from '../config/config.ts'
import { isInKeychain } from '../config/keychain.ts'
import { isVariableName } from '../config/settings.ts'
import { UsageError } from '../terminal/failure.ts'
import { packageName } from './manifest.ts'
import { keepKey, newStoreKey } from './new-key.ts'
import type { KeyKind } from './questions.ts'

/** The place of a key as the configuration names it, with a name that fits the project. */
export function placeOfKey(kind: KeyKind, name: string | undefined, folder: string): CredentialSource {
  if (kind === 'keychain') return { keychain: name || (packageName(folder) ?? basename(folder)) }
  if (kind === 'file') return { file: name ? pathOf(name, folder) : '.secrets.key' }
  const variable = name || 'FINCHAT_ENCRYPTION_KEY'
  if (isVariableName(variable)) return { variable }
  throw new UsageError('--key-name is no name of a variable', 'use letters, digits and _, such as APP_KEY')
}

/** A shell that did not expand `~` has left it in. */
function pathOf(name: string, folder: string): string {
  const path = resolve(folder, name.startsWith('~/') ? join(homedir(), name.slice(2)) : name)
  const own = relative(folder, path)
  return own.startsWith('..') || isAbsolute(own) ? path : own.split(sep).join('/')
}

/** What became of the key; `shown` is one that the user keeps in a variable. */
export interface StoreKey {
  readonly isNew: boolean
  readonly shown?: string
}

/** Makes a key, unless its place has one: a second key would open nothing. */
export async function ensureKey(place: CredentialSource, folder: string, env: Environment): Promise<StoreKey> {
  if (await hasKey(place, folder, env)) return { isNew: false }
  const key = await newStoreKey()
  if ('variable' in place) return { isNew: true, shown: key.text }
  await keepKey(key, place, folder, env)
  return { isNew: true }
}

async function hasKey(place: CredentialSource, folder: string, env: Environment): Promise<boolean> {
  if ('variable' in place) return Boolean(env[place.variable])
  return 'file' in place ? existsSync(resolve(folder, place.file)) : isInKeychain(place.keychain, folder)
}
