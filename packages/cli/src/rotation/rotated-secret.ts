import type { SecretAlias } from '@finchat/secrets-core'
import type { Config, RotationConfig } from '../config/config.ts'

/** What is rotated under a name of the user. */
export interface RotatedSecret {
  /** The manager's name of it: that of the chain, or an alias of one field. */
  readonly name: string
  readonly config: RotationConfig | undefined
  /** The member of `rotation` that configures it, for errors. */
  readonly member: string
  readonly alias: SecretAlias | undefined
}

/**
 * A declared name leads to its secret in the chain. A field is rotated with its whole secret where
 * `rotation` configures that, and otherwise alone.
 */
export function rotatedSecret(name: string, { secrets = {}, rotation = {} }: Config): RotatedSecret {
  const { name: chain = name, field } = ownMember(secrets, name) ?? {}
  const own = ownMember(rotation, name)
  const whole = ownMember(rotation, chain)
  const isAlone = field !== undefined && (whole === undefined || (own !== undefined && chain !== name))
  const alias = isAlone ? { name: chain, field } : undefined
  return { name: isAlone ? name : chain, config: own ?? whole, member: own === undefined ? chain : name, alias }
}

function ownMember<T>(members: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(members, name) ? members[name] : undefined
}

/** Of the fields that are rotated alone. Others are called by their name in the chain. */
export function rotatedAliases(secrets: readonly RotatedSecret[]): Readonly<Record<string, SecretAlias>> {
  return Object.fromEntries(secrets.flatMap(({ name, alias }) => (alias === undefined ? [] : [[name, alias] as const])))
}
