import { described, quoted } from '../errors/format.ts'
import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { isRecord, ownMembers } from '../errors/own-properties.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** The required type of a member; `any`: not checked. */
export type MemberKind = 'string' | 'number' | 'boolean' | 'any'

/** Lists every member of an options type; a missing or extra one does not compile. */
export type MembersOf<Options> = { readonly [member in keyof Required<Options>]: MemberKind }

/**
 * Returns a copy with own properties only, so that a polluted prototype adds no option. Throws
 * `code`, by default `CONFIGURATION`, for a non-object, an unknown member or a wrong type.
 * Otherwise a misspelt `onlyNamed` would open what it should close.
 *
 * @example
 * import { knownOptions } from '@finchat/secrets-core/provider'
 *
 * try {
 *   knownOptions({ ur: 'https://…' }, { url: 'string', token: 'any' })
 * } catch (error) {
 *   console.log(error instanceof Error && error.message) // the option "ur" is not known (use url, token)
 * }
 */
export function knownOptions<Options extends object>(
  options: Options,
  members: Readonly<Record<string, MemberKind>>,
  code: SecretsErrorCode = 'CONFIGURATION',
): Options {
  const known = Object.keys(members).join(', ')
  if (!isRecord(options)) {
    throw new SecretsError(code, `the options are ${described(options)} instead of an object`, { remedy: `use ${known}` })
  }
  const unknown = Object.keys(options).find((member) => !Object.hasOwn(members, member))
  if (unknown !== undefined) throw new SecretsError(code, `the option ${quoted(unknown)} is not known`, { remedy: `use ${known}` })
  const copy = ownMembers(options, Object.keys(members))
  assertKinds(copy, members, code)
  return copy
}

function assertKinds(options: object, members: Readonly<Record<string, MemberKind>>, code: SecretsErrorCode): void {
  for (const [member, value] of Object.entries(options)) {
    const kind = members[member]
    if (kind === 'any' || value === undefined || typeof value === kind) continue
    throw new SecretsError(code, `the option ${member} is ${described(value)}`, { remedy: `pass a ${kind}` })
  }
}
