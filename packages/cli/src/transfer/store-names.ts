import { isValidName, type Environment, type SecretProvider } from '@finchat/secrets-core'
import type { Config } from '../config/config.ts'
import { chainSettings, sections } from '../config/settings.ts'
import { credentialVariables } from '../config/variables.ts'

/** The names that lead to this path of a store; none if no valid name does. */
export function namesAt(path: string, { name, locate }: SecretProvider, variables: Environment): string[] {
  const prefix = textOf(name, 'prefix', variables)
  const mapped = textOf(name, 'names', variables)
    .split(',')
    .map((entry) => entry.split('=', 1).join('').trim())
  const candidates = [...mapped, path.startsWith(prefix) ? path.slice(prefix.length) : path]
  return [...new Set(candidates)].filter((each) => isValidName(each) && (locate?.(each)?.path ?? (locate ? undefined : each)) === path)
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

function textOf(provider: string, member: string, variables: Environment): string {
  const variable = sections[provider]?.[member]?.variable
  return (variable === undefined ? undefined : variables[variable]) ?? ''
}

/** Variables that may be secrets: all but those that configure this program, such as the key of a store. */
export function variablesThatMayBeSecrets(env: Environment, config: Config): string[] {
  const settings = Object.values({ ...sections, chain: chainSettings }).flatMap((section) => Object.values(section))
  const known = settings.flatMap(({ variable, fileVariable }) => [variable, ...(fileVariable === undefined ? [] : [fileVariable])])
  const excluded = new Set([...known, ...credentialVariables(config)])
  return Object.keys(env).filter((name) => isValidName(name) && !excluded.has(name))
}
