import { UsageError } from '../terminal/failure.ts'

/** A text as it is given. */
const text = (input: string): string => input

/** A flag with a text that may be left out. */
export interface TextFlag {
  readonly kind: 'parsed'
  readonly parse: (input: string) => string
  readonly brief: string
  readonly placeholder: string
  readonly optional: true
}

/** A flag with a text that may be given again. */
export interface ListFlag {
  readonly kind: 'parsed'
  readonly parse: (input: string) => string
  readonly brief: string
  readonly placeholder: string
  readonly variadic: true
  readonly optional: true
}

/** A flag without a value. */
export interface SwitchFlag {
  readonly kind: 'boolean'
  readonly brief: string
  readonly optional: true
  readonly withNegated: false
}

export function textFlag(placeholder: string, brief: string): TextFlag {
  return { kind: 'parsed', parse: text, brief, placeholder, optional: true }
}

export function listFlag(placeholder: string, brief: string): ListFlag {
  return { kind: 'parsed', parse: text, brief, placeholder, variadic: true, optional: true }
}

export function switchFlag(brief: string): SwitchFlag {
  return { kind: 'boolean', brief, optional: true, withNegated: false }
}

/** The flags of every command. */
export const commonFlags: { readonly config: TextFlag; readonly provider: TextFlag; readonly json: SwitchFlag } = {
  config: textFlag('file', 'The configuration file; by default the nearest finchat-secrets.config.json'),
  provider: textFlag('name', 'Only this provider of the chain'),
  json: switchFlag('Print JSON, errors too'),
}

/** The name of a secret as the only argument. */
export const nameArgument: { readonly brief: string; readonly placeholder: string; readonly parse: (input: string) => string } = {
  brief: 'The name of the secret',
  placeholder: 'name',
  parse: text,
}

export function wholeNumber(input: string): number {
  if (/^[1-9]\d{0,8}$/.test(input)) return Number(input)
  throw new UsageError('it is a whole number from 1', 'see --help of the command')
}

export function versionNumber(input: string): number {
  if (/^[1-9]\d{0,14}$/.test(input)) return Number(input)
  throw new UsageError('a version is a whole number from 1', 'see `finchat-secrets versions NAME`')
}

export function versionToRead(input: string): number | 'previous' | 'pending' {
  return input === 'previous' || input === 'pending' ? input : versionNumber(input)
}

/** Without a prototype: Stricli would take `--toString x` for a flag. */
export function flagsOf<const Flags extends object>(flags: Flags): Flags {
  return Object.assign(Object.create(null) as object, flags)
}

export { text }
