import type { SecretProvider } from '../contract/provider.ts'
import { type Environment, ownVariable } from './env-provider.ts'
import { isValidName } from '../chain/names.ts'
import { quoted } from '../errors/format.ts'

/**
 * Reads the settings of a `…FromEnv` function. One error lists all problems, without values: a
 * value may be a misplaced secret. An empty setting counts as not set.
 */
export interface EnvironmentReader {
  /** The variable's text; `undefined` if it is not set. */
  readonly optional: (variable: string) => string | undefined
  /** The variable's text; if it is not set, a problem and `''`. */
  readonly required: (variable: string) => string
  /** A list such as `TOKEN=finchat/token#token,DB=prod/db` as `names`; `{}` if it is not set. */
  readonly names: (variable: string) => Readonly<Record<string, string>>
  /** Records a problem: name the variable and what it must hold. */
  readonly problem: (message: string) => void
}

/** Makes a provider from variables, as `awsFromEnv` does, and opens nothing yet. */
export type ProviderFromEnv = (env: EnvironmentReader) => SecretProvider

/** `blocks`: the provider cannot be made, and its factory's error would be less clear. */
export type ReportProblem = (message: string, blocks: boolean) => void

/** Adds each variable that it reads to `asked`. */
export function environmentReader(env: Environment, report: ReportProblem, asked: Set<string> = new Set()): EnvironmentReader {
  const problem = (message: string): void => report(message, true)
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
    names: (variable) => parseNames(listOf(optional(variable)), (what) => report(`${variable}: ${what}`, false)),
  }
}

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
    else if (names.has(name)) problem(`${quoted(name)} is listed twice`)
    else names.set(name, target)
  }
  return Object.fromEntries(names)
}
