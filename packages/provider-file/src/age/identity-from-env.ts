import type { EnvironmentReader } from '@finchat/secrets-core'
import type { Credential } from '@finchat/secrets-core/provider'

/** `NAME` holds the identity, or `NAME_FILE` names its file. */
export function identityFrom(env: EnvironmentReader, variable: string): Credential {
  const [text, file] = [env.optional(variable), env.optional(`${variable}_FILE`)]
  if ((text === undefined) === (file === undefined)) env.problem(`set either ${variable} or ${variable}_FILE`)
  return file === undefined ? (text ?? '') : { file }
}
