import { callbackify } from 'node:util'
import type { SecretsManager } from '@finchat/secrets-core'
import { useSecret } from '@finchat/secrets-core/live'
import { Pool, type PoolClient, type PoolConfig } from 'pg'

const isAuthError = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '28P01'
type Done = (error: Error | null, client?: PoolClient, release?: PoolClient['release']) => void

/** A pool whose logins outlast rotations. Its `query`, and libraries that take a pool, use `connect`. */
export function rotatingPool(secrets: SecretsManager, name: string, config: PoolConfig): Pool {
  const pool = new Pool(config)
  pool.on('error', () => {}) // an idle connection ended, and the pool has dropped it
  const login: () => Promise<PoolClient> = pool.connect.bind(pool)
  const connected = (): Promise<PoolClient> => useSecret(secrets, name, () => login(), { isAuthError })
  const connect = (done?: Done): unknown => {
    if (done === undefined) return connected()
    return callbackify(connected)((error: Error | null, client?: PoolClient) => done(error, client, client?.release))
  }
  return Object.assign(pool, { connect })
}
