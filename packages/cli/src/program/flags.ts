import { loadOnUse } from '@finchat/secrets-core/provider'
import type { CommandContext } from '../commands/context.ts'
import { providerNames } from '../config/settings.ts'
import { UsageError } from '../terminal/failure.ts'
import { ownPart } from './called.ts'

/** A text as it is given. */
const text = (input: string): string => input

/** What may stand where the user types, for completion. */
type Proposals = (this: CommandContext, partial: string) => Promise<readonly string[]>

/** A flag with a text that may be left out. */
export interface TextFlag {
  readonly kind: 'parsed'
  readonly parse: (input: string) => string
  readonly brief: string
  readonly placeholder: string
  readonly optional: true
  readonly proposeCompletions?: Proposals
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

/** A flag for the name of a provider. */
export function providerFlag(brief: string): TextFlag {
  return { ...textFlag('name', brief), proposeCompletions: async (partial) => providerNames.filter((name) => name.startsWith(partial)) }
}

/** Names that the configuration declares. */
async function proposedNames(this: CommandContext, partial: string): Promise<readonly string[]> {
  const { declaredNames } = await loadOnUse(ownPart, () => import('../config/read-config.ts'), 'declaredNames')
  return (await declaredNames(this.terminal.cwd())).filter((name) => name.startsWith(partial))
}

export function switchFlag(brief: string): SwitchFlag {
  return { kind: 'boolean', brief, optional: true, withNegated: false }
}

/** The flags of every command. */
export const commonFlags: { readonly config: TextFlag; readonly provider: TextFlag; readonly json: SwitchFlag } = {
  config: textFlag('file', 'The configuration file; by default the nearest finchat-secrets.config.json'),
  provider: providerFlag('Only this provider of the chain'),
  json: switchFlag('Print JSON, errors too'),
}

/** The name of a secret as an argument. */
export interface NameArgument {
  readonly brief: string
  readonly placeholder: string
  readonly parse: (input: string) => string
  readonly proposeCompletions: Proposals
}

export function wholeNumber(input: string): number {
  if (/^[1-9]\d{0,8}$/.test(input)) return Number(input)
  throw new UsageError('it is a whole number from 1', 'see --help of the command')
}

export function nameArgumentOf(brief: string): NameArgument {
  return { brief, placeholder: 'name', parse: text, proposeCompletions: proposedNames }
}

/** The name of a secret as the only argument. */
export const nameArgument: NameArgument = nameArgumentOf('The name of the secret')

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
