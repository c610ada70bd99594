// The part to copy: an application. Its secrets come from an encrypted store on this machine, then
// from the environment. In production put another provider in the list; nothing below changes.
import { createSecretsManager, envProvider, loadSecrets, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'

export function openSecrets(store: SecretProvider, env: Record<string, string | undefined>): SecretsManager {
  return createSecretsManager({
    providers: [store, envProvider({ env })],
    cache: { ttlSeconds: 300 },
  })
}

export interface Settings {
  readonly databaseUrl: string
  readonly logLevel: string
}

/**
 * Everything the service needs, in one batch at start: one error names all that is missing or
 * wrong.
 */
export async function loadSettings(secrets: SecretsManager): Promise<Settings> {
  const { user, password, logLevel } = await loadSecrets(secrets, {
    user: { name: 'DATABASE', field: 'user' },
    password: { name: 'DATABASE', field: 'password' },
    logLevel: { name: 'LOG_LEVEL' },
  })
  return { databaseUrl: `postgres://${user}:${encodeURIComponent(password)}@db.internal/orders`, logLevel }
}

/** Accepts the current token, and the previous one for ten minutes after a rotation. */
export function mayEnter(secrets: SecretsManager, presented: string): Promise<boolean> {
  return secrets.verifySecret('FINCHAT_TOKEN', presented, { acceptPreviousForSeconds: 600, actor: 'webapp' })
}
