import type { Server } from 'node:tls'
import type { SecretsManager, SecretValue } from '@finchat/secrets-core'
import { watchSecret } from '@finchat/secrets-core/live'

/** The secret has `key` and `cert`, both PEM. Open connections go on; new ones get the new certificate. */
export async function followCertificate(secrets: SecretsManager, name: string, server: Server, signal: AbortSignal): Promise<void> {
  const use = (value: SecretValue): void => server.setSecureContext(value.json() as { key: string; cert: string })
  use(await secrets.getSecretValue(name))
  watchSecret(secrets, name, { signal, onChange: use })
}
