// To copy: the secrets that the application needs at its start.
import { loadSecrets, type SecretsManager } from '@finchat/secrets-core'

export const SETTINGS = Symbol('the settings')

export interface Settings {
  readonly host: string
  readonly user: string
  readonly password: string
}

export function loadSettings(secrets: SecretsManager): Promise<Settings> {
  return loadSecrets(secrets, {
    host: { name: 'DATABASE', field: 'host' },
    user: { name: 'DATABASE', field: 'user' },
    password: { name: 'DATABASE', field: 'password' },
  })
}
