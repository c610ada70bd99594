import { callbackify } from 'node:util'
import type { SecretsManager } from '@finchat/secrets-core'
import { liveSecret, useSecret } from '@finchat/secrets-core/live'
import { Client, type ClientConfig, Pool, type PoolClient, type PoolConfig } from 'pg'

const isAuthError = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '28P01'
type Done = (error: Error | null, client?: PoolClient, release?: PoolClient['release']) => void

/** pg leaves a connection open that gets no password, and the server waits a minute for one. */
export class ClosingClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config)
    this.connection.once('error', () => void this.end())
  }
}

/** A pool whose logins outlast rotations. Its `query`, and libraries that take a pool, use `connect`. */
export function rotatingPool(secrets: SecretsManager, name: string, config: PoolConfig, field?: string): Pool {
  const pool = new Pool({ Client: ClosingClient, ...config, password: liveSecret(secrets, name).asPasswordFunction({ field }) })
  pool.on('error', () => {}) // an idle connection ended, and the pool has dropped it
  const login: () => Promise<PoolClient> = pool.connect.bind(pool)
  const connected = (): Promise<PoolClient> => useSecret(secrets, name, () => login(), { isAuthError })
  const connect = (done?: Done): unknown =>
    done ? callbackify(connected)((error: Error | null, client?: PoolClient) => done(error, client, client?.release)) : connected()
  return Object.assign(pool, { connect })
}
