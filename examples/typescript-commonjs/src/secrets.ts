// To copy: the secrets of a CommonJS service. tsc turns these imports into `require`.
import { createSecretsManager, envProvider, loadSecrets, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'

export function openSecrets(store: SecretProvider): SecretsManager {
  return createSecretsManager({ providers: [store, envProvider()] })
}

export interface Settings {
  readonly user: string
  readonly password: string
}

/** A function, since CommonJS has no top-level await. */
export function loadSettings(secrets: SecretsManager): Promise<Settings> {
  return loadSecrets(secrets, {
    user: { name: 'DATABASE', field: 'user' },
    password: { name: 'DATABASE', field: 'password' },
  })
}
