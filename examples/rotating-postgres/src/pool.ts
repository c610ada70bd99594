// The part to copy: a pool whose logins outlast rotations.
import { callbackify } from 'node:util'
import type { SecretsManager } from '@finchat/secrets-core'
import { liveSecret, type LiveSecret, useSecret } from '@finchat/secrets-core/live'
import { Client, Pool, type PoolConfig } from 'pg'

const isAuthError = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '28P01'

export interface RotatingPool {
  readonly query: (sql: string) => Promise<void>
  readonly end: () => Promise<void>
  /** The version of the secret that the next login uses. */
  readonly version: () => number | undefined
}

export async function openPool(secrets: SecretsManager, name: string, config: PoolConfig): Promise<RotatingPool> {
  const live = liveSecret(secrets, name)
  await live.ready
  const pool = new Pool({ ...config, Client: clientOf(live) })
  const query = async (sql: string): Promise<void> => {
    // The login alone may be repeated: what follows runs once.
    const client = await useSecret(secrets, name, () => pool.connect(), { isAuthError })
    try {
      await client.query(sql)
    } finally {
      client.release()
    }
  }
  return { query, end: () => pool.end(), version: () => live.version }
}

/** Logs in with the current password. While that is known to be refused, one client alone tries. */
function clientOf(live: LiveSecret): typeof Client {
  return class extends Client {
    override connect(): Promise<Client>
    override connect(done: (error: Error) => void): void
    override connect(done?: (error: Error) => void): unknown {
      const connected = live.logIn((value) => this.#connect(value.reveal()), { isAuthError })
      return done === undefined ? connected : callbackify(() => connected)(done)
    }

    #connect(password: string): Promise<Client> {
      this.password = password
      return super.connect()
    }
  }
}
