import { described, quoted } from '../errors/format.ts'
import { isRecord } from '../errors/own-properties.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { assertField } from '../options/call-options.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'
import { isValidName } from './names.ts'

/** What another name stands for: a secret of the chain, or one of its fields. */
export interface SecretAlias {
  /** The name that the providers locate. */
  readonly name: string
  /** One of its fields: a key or a JSON pointer. */
  readonly field?: string | undefined
  /** Of a secret with named fields the JSON text, where other reads want one field. */
  readonly json?: boolean | undefined
}

export type Aliases = ReadonlyMap<string, SecretAlias>

const members: MembersOf<SecretAlias> = { name: 'string', field: 'any', json: 'boolean' }

/** Throws `CONFIGURATION` unless it is an object of aliases. */
export function knownAliases(aliases: Readonly<Record<string, SecretAlias>> = {}): Aliases {
  if (!isRecord(aliases)) throw wrong(`\`aliases\` is ${described(aliases)}`, "pass { DB_USER: { name: 'db', field: 'username' } }")
  return new Map(Object.entries(aliases).map(([name, alias]) => [name, knownAlias(name, alias)]))
}

function knownAlias(name: string, alias: SecretAlias): SecretAlias {
  if (!isValidName(name)) throw wrong(`\`aliases\` has ${quoted(name)}, which is not a valid secret name`, 'see isValidName')
  const known = knownOptions(alias, members)
  if (!isValidName(known.name)) throw wrong(`the alias ${quoted(name)} stands for no valid secret name`, 'name a secret of the chain')
  try {
    assertField(known.field)
  } catch {
    throw wrong(`the field of the alias ${quoted(name)} is empty, or no text`, 'name a key or a JSON pointer, or leave it out')
  }
  return { name: known.name, field: known.field, json: known.json }
}

function wrong(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}
