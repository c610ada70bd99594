import { type Environment, SecretsError } from '@finchat/secrets-core'
import type { ChildVariables } from '../child/variables.ts'
import type { DeclaredSecret } from '../config/config.ts'
import { decoyKey } from '../decoys/decoy-key.ts'
import { makeDecoy } from '../decoys/decoy.ts'
import type { Decoys } from './give-values.ts'

/** A decoy for each value that it can imitate: a number or a switch has too few forms. */
export function makeDecoys(
  { env, values }: ChildVariables,
  declared: Readonly<Record<string, DeclaredSecret>>,
  { FINCHAT_DECOYS_KEY: text }: Environment,
): Decoys {
  if (!text) throw noKey()
  const key = decoyKey(text)
  const imitable = values.filter(({ name }) => ['text', 'url'].includes(declared[name]?.type ?? 'text'))
  return Object.fromEntries(imitable.map(({ name }) => [name, makeDecoy(key, env[name] ?? '')]))
}

function noKey(): SecretsError {
  return new SecretsError('CONFIGURATION', '--decoys needs a key, by which a decoy is recognised', {
    remedy: 'set FINCHAT_DECOYS_KEY to 32 random bytes: openssl rand -base64 32',
  })
}
