import { SecretsError } from '@finchat/secrets-core'

/** Throws `CONFIGURATION` where the login's role is missing. */
export function assertRole(role: unknown): asserts role is string {
  if (typeof role === 'string' && role !== '') return
  throw new SecretsError('CONFIGURATION', '`role` is missing', { remedy: 'name the role that the login is for' })
}
