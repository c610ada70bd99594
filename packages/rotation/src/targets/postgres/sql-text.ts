import { configurationError } from '@finchat/secrets-core/provider'

/** PostgreSQL cuts longer names without an error, and would mean another role. */
const longestName = 63

/** Throws `CONFIGURATION` unless a role can have exactly this name. */
export function assertName(option: string, name: unknown): asserts name is string {
  const isName = typeof name === 'string' && name !== '' && name.isWellFormed() && !name.includes('\0')
  if (isName && Buffer.byteLength(name) <= longestName) return
  throw configurationError(`\`${option}\` is no name of a role`, `use 1 to ${longestName} bytes of text`)
}

/** A name that `assertName` accepts, as an SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text without NUL as an SQL literal, whatever `standard_conforming_strings` is. */
export function literal(text: string): string {
  return ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
