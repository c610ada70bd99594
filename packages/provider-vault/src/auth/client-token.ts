import { SecretsError } from '@finchat/secrets-core'
import { member } from '../http/answer.ts'
import type { VaultClient } from '../http/client-transport.ts'
import type { VaultAuth } from './vault-auth.ts'

/** The token that a client of one's own has, whoever keeps it fresh. */
export function clientToken(client: VaultClient): VaultAuth {
  return {
    method: 'client',
    prepare: async () => {
      const token = member(client, 'token')
      if (typeof token === 'string' && token !== '') return { token }
      throw new SecretsError('CREDENTIALS_MISSING', 'the client has no token', { remedy: 'log it in, or give `auth`' })
    },
  }
}
