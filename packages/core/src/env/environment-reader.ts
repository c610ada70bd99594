import type { SecretProvider } from '../contract/provider.ts'
import { type Environment, ownVariable } from './env-provider.ts'
import { isValidName } from '../options/names.ts'
import { quoted } from '../errors/format.ts'

/**
 * What a `…FromEnv` function reads its settings with. One error lists all problems. No problem
 * quotes a value: it may be a misplaced secret. An empty setting counts as not set.
 */
export interface EnvironmentReader {
  /** The variable's text, or `undefined` where it is not set or empty. */
  readonly optional: (variable: string) => string | undefined
  /** The variable's text. If it is not set or empty, that is a problem and the answer is `''`. */
  readonly required: (variable: string) => string
  /**
   * A list such as `TOKEN=finchat/token#token,DB=prod/db` as the `names` of a provider's options;
   * `{}` where it is not set.
   */
  readonly names: (variable: string) => Readonly<Record<string, string>>
  /** Records what is wrong: say which variable, and what is expected of it. */
  readonly problem: (message: string) => void
}

/**
 * Makes a provider from variables, as `awsFromEnv` does. It reads them only through the reader, and
 * opens nothing yet.
 */
export type ProviderFromEnv = (env: EnvironmentReader) => SecretProvider

/**
 * Receives a problem. `blocks`: the provider cannot be made, and its factory's error would say
 * less.
 */
export type NoteProblem = (message: string, blocks: boolean) => void

/**
 * A reader of these variables. It reports problems to `note` and adds each variable that it reads
 * to `asked`.
 */
export function environmentReader(env: Environment, note: NoteProblem, asked: Set<string> = new Set()): EnvironmentReader {
  const problem = (message: string): void => note(message, true)
  const optional = (variable: string): string | undefined => {
    asked.add(variable)
    return ownVariable(env, variable) || undefined
  }
  const required = (variable: string): string => {
    const value = optional(variable)
    if (value === undefined) problem(`${variable} is not set`)
    return value ?? ''
  }
  return {
    optional,
    required,
    problem,
    names: (variable) => parseNames(listOf(optional(variable)), (what) => note(`${variable}: ${what}`, false)),
  }
}

/** The entries of a list with commas, trimmed. */
export function listOf(text = ''): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean)
}

function parseNames(entries: readonly string[], problem: (what: string) => void): Readonly<Record<string, string>> {
  const names = new Map<string, string>()
  for (const [index, entry] of entries.entries()) {
    const [, name = '', target = ''] = /^([^=]*)=([^#\p{Cc}]+(?:#[^\p{Cc}]+)?)$/u.exec(entry) ?? []
    if (!isValidName(name)) problem(`entry ${index + 1} must read NAME=path or NAME=path#field`)
    else if (names.has(name)) problem(`${quoted(name)} is placed twice`)
    else names.set(name, target)
  }
  return Object.fromEntries(names)
}
