import type { EnvironmentReader } from '@finchat/secrets-core'
import { type Credential, credentialFromEnv } from '@finchat/secrets-core/provider'

/** `NAME` holds the identity, or `NAME_FILE` names its file. */
export function identityFrom(env: EnvironmentReader, variable: string): Credential {
  const identity = credentialFromEnv(env, variable)
  if (identity === undefined) env.problem(`set either ${variable} or ${variable}_FILE`)
  return identity ?? ''
}
