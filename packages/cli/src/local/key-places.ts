import type { Environment } from '@finchat/secrets-core'
import type { CredentialSource } from '../config/config.ts'
import type { Settings } from '../config/load-config.ts'
import { sections } from '../config/settings.ts'
import { keychainVariables } from '../config/variables.ts'

/** The two keys of the local store by their places, such as `local.key (the file .secrets.key)`. */
export interface KeyPlaces {
  readonly key: string
  readonly otherKey: string
}

export function keyPlaces({ config: { local = {} }, env }: Settings): KeyPlaces {
  return { key: placeOf('key', local.key, env), otherKey: placeOf('otherKey', local.otherKey, env) }
}

/** A variable of the environment goes over the configuration file. */
function placeOf(member: 'key' | 'otherKey', source: CredentialSource | undefined, env: Environment): string {
  const { variable = '', fileVariable = '' } = sections['local']?.[member] ?? {}
  const { [variable]: value, [fileVariable]: file, [keychainVariables.get(variable) ?? '']: entry } = env
  const place = value
    ? `the variable ${variable}`
    : file
      ? inFile(file)
      : entry
        ? inKeychain(entry)
        : (source && namedBy(source)) || 'not set'
  return `local.${member} (${place})`
}

function namedBy(source: CredentialSource): string {
  if ('variable' in source) return `the variable ${source.variable}`
  return 'file' in source ? inFile(source.file) : inKeychain(source.keychain)
}

function inFile(file: string): string {
  return `the file ${file}`
}

function inKeychain(entry: string): string {
  return `the keychain entry ${entry}`
}
