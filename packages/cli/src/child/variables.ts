import type { Environment } from '@finchat/secrets-core'
import { textOrBytes } from '@finchat/secrets-core/provider'
import type { Config } from '../config/config.ts'
import { isVariableName } from '../config/settings.ts'
import { credentialVariables } from '../config/variables.ts'
import { UsageError } from '../terminal/failure.ts'
import type { SecretText } from './redacted-values.ts'

/** The variables of a child, and the values among them that its output must not show. */
export interface ChildVariables {
  readonly env: Record<string, string>
  readonly values: readonly SecretText[]
}

export interface Inheritance {
  /** Only what every program needs is inherited. */
  readonly isPristine: boolean
  /** The credentials of the stores are inherited too. */
  readonly keepsCredentials: boolean
}

/** A declared secret by the name of its variable; without a value it is absent. */
export interface SecretVariable {
  readonly name: string
  readonly bytes: Uint8Array | undefined
}

const basics = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'COLORTERM', 'NO_COLOR', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'PWD']

/**
 * The inherited variables, with the secrets over them. A declared secret comes from the chain alone: if
 * it is absent there, or not chosen, an inherited variable of its name is removed.
 */
export function childVariables(
  secrets: readonly SecretVariable[],
  env: Environment,
  config: Config,
  inheritance: Inheritance,
): ChildVariables {
  const found = secrets.flatMap(({ name, bytes }) => (bytes === undefined ? [] : [{ name, bytes }]))
  const texts = found.map(({ name, bytes }) => [name, textOf(name, bytes)] as const)
  const declared = new Set([...Object.keys(config.secrets ?? {}), ...secrets.map(({ name }) => name)])
  const inherited = Object.entries(env).filter(([name]) => !declared.has(name) && isInherited(name, config, inheritance))
  const all = [...inherited.filter((entry): entry is [string, string] => entry[1] !== undefined), ...texts]
  return { env: Object.assign(Object.create(null) as object, Object.fromEntries(all)), values: found }
}

function isInherited(name: string, config: Config, { isPristine, keepsCredentials }: Inheritance): boolean {
  if (isPristine) return basics.includes(name) || name.startsWith('LC_')
  return keepsCredentials || !credentialVariables(config).has(name)
}

function textOf(name: string, bytes: Uint8Array): string {
  const text = textOrBytes(bytes)
  if (typeof text === 'string' && !text.includes('\0')) return text
  throw new UsageError(`the value of ${name} is not text, so no variable can hold it`, 'read it in the application, by loadConfig()')
}

/** Throws `UsageError` for the key of a declaration that names no variable. */
export function assertVariableName(name: string): void {
  if (isVariableName(name)) return
  throw new UsageError(`secrets.${name} is no name of a variable`, `declare it under one, such as { "DB_PASSWORD": { "name": "${name}" } }`)
}
