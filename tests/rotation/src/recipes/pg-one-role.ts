import { callbackify } from 'node:util'
import type { SecretsManager } from '@finchat/secrets-core'
import { liveSecret } from '@finchat/secrets-core/live'
import { Client } from 'pg'

const isAuthError = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '28P01'

/** For a password or a field `password`: `rotatingPool(…, { …, Client: currentPassword(secrets, name) })`. */
export function currentPassword(secrets: SecretsManager, name: string, field?: string): typeof Client {
  const live = liveSecret(secrets, name)
  return class extends Client {
    override connect(): Promise<Client>
    override connect(done: (error: Error) => void): void
    override connect(done?: (error: Error) => void): unknown {
      const connected = live.logIn(
        (value) => {
          this.password = field === undefined ? value.reveal() : (value.json() as Record<string, string>)[field]
          return super.connect()
        },
        { isAuthError },
      )
      return done === undefined ? connected : callbackify(() => connected)(done)
    }
  }
}
