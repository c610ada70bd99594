// To copy: Vault or OpenBao, where the pod logs in as its service account.
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { kubernetes, vaultProvider } from '@finchat/secrets-provider-vault'

/** The secrets without which a request fails. */
export const needed: readonly string[] = ['database']

export function openSecrets(env: NodeJS.ProcessEnv): SecretsManager {
  const jwt = { file: env['VAULT_JWT_FILE'] ?? '/var/run/secrets/vault/token' } // renewed on the disk, read at each login
  const auth = kubernetes({ role: env['VAULT_ROLE'] ?? 'orders', jwt, mount: env['VAULT_AUTH_MOUNT'] ?? 'kubernetes' })
  return createSecretsManager({ providers: [vaultProvider({ url: env['VAULT_ADDR'], auth, prefix: 'orders/' })] })
}
