import { isValidName, type Environment, type SecretProvider } from '@finchat/secrets-core'
import type { Config } from '../config/config.ts'
import { chainSettings, sections, type Setting } from '../config/settings.ts'
import { auditorKeyVariable, credentialVariables, keychainVariables } from '../config/variables.ts'

/** The names that lead to this path of a store; none if no valid name does. */
export function namesAt(path: string, provider: SecretProvider, variables: Environment): string[] {
  const candidates = [...mappedNames(provider.name, variables), withoutPrefix(path, provider, variables)]
  return [...new Set(candidates)].filter((each) => pathOf(each, provider) === path)
}

/**
 * As `namesAt`; where none leads to a path under the prefix, what would be its name. It is no valid
 * one, so that a read of it says why it is left.
 */
export function wantedAt(path: string, provider: SecretProvider, variables: Environment): string[] {
  const names = namesAt(path, provider, variables)
  const name = withoutPrefix(path, provider, variables)
  if (names.length > 0 || isValidName(name) || textOf(provider.name, 'onlyNamed', variables) === 'true') return names
  return path.startsWith(prefixOf(provider.name, variables)) ? [name] : []
}

/** Where all paths begin that names lead to: the prefix, unless `names` lead elsewhere. */
export function commonPrefix(provider: SecretProvider, variables: Environment): string | undefined {
  const prefix = prefixOf(provider.name, variables)
  const isInside = mappedNames(provider.name, variables).every((name) => pathOf(name, provider)?.startsWith(prefix) ?? true)
  return isInside && prefix !== '' ? prefix : undefined
}

function withoutPrefix(path: string, { name }: SecretProvider, variables: Environment): string {
  const prefix = prefixOf(name, variables)
  return path.startsWith(prefix) ? path.slice(prefix.length) : path
}

function pathOf(name: string, { locate }: SecretProvider): string | undefined {
  if (!isValidName(name)) return undefined
  return locate === undefined ? name : locate(name)?.path
}

/**
 * What reads the secret of these names in the chain: declared names of the whole secret, or else its
 * names in the chain, or else declared names of its fields.
 */
export function wholeNames(chain: readonly string[], declared: NonNullable<Config['secrets']> = {}): string[] {
  const keys = Object.keys(declared).filter((key) => chain.includes(declared[key]?.name ?? key))
  const whole = keys.filter((key) => declared[key]?.field === undefined)
  const plain = chain.filter((name) => !Object.hasOwn(declared, name))
  return [whole, plain, keys].find((names) => names.length > 0)?.slice() ?? []
}

/** All variables that configure this program. */
export const ownVariables: ReadonlySet<string> = new Set([
  ...[chainSettings, ...Object.values(sections)].flatMap((settings) =>
    Object.values<Setting>(settings).flatMap(({ variable, fileVariable = [] }) => [variable, fileVariable].flat()),
  ),
  ...keychainVariables.values(),
  auditorKeyVariable,
])

/** Variables that may be secrets: all but those that configure this program, such as the key of a store. */
export function variablesThatMayBeSecrets(env: Environment, config: Config): string[] {
  const excluded = new Set([...ownVariables, ...credentialVariables(config)])
  return Object.keys(env).filter((name) => isValidName(name) && !excluded.has(name))
}

/** What goes before the names of a provider; empty without one, and for a provider that is not ours. */
export function prefixOf(provider: string, variables: Environment): string {
  return textOf(provider, 'prefix', variables)
}

/** The names that a provider maps to paths. */
export function mappedNames(provider: string, variables: Environment): string[] {
  const entries = textOf(provider, 'names', variables).split(',')
  return entries.map((entry) => entry.split('=', 1).join('').trim()).filter(Boolean)
}

function textOf(provider: string, member: 'prefix' | 'names' | 'onlyNamed', variables: Environment): string {
  const variable = Object.hasOwn(sections, provider) ? sections[provider]?.[member]?.variable : undefined
  return (variable === undefined ? undefined : variables[variable]) ?? ''
}
