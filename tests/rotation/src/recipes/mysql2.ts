import type { SecretsManager } from '@finchat/secrets-core'
import { liveSecret, useSecret } from '@finchat/secrets-core/live'
import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2/promise'

const isAuthError = (error: unknown): boolean => error instanceof Error && 'errno' in error && error.errno === 1045

/** mysql2 takes no password function, but reads `password` from its settings at each connection. */
export async function rotatingPool(secrets: SecretsManager, name: string, options: PoolOptions): Promise<RotatingPool> {
  const password = liveSecret(secrets, name)
  await password.ready
  const pool = createPool(options)
  const { connectionConfig } = (pool.pool as unknown as { config: { connectionConfig: object } }).config
  Object.defineProperty(connectionConfig, 'password', { get: () => password.current.reveal() })
  return { pool, getConnection: () => useSecret(secrets, name, () => pool.getConnection(), { isAuthError }) }
}

export interface RotatingPool {
  readonly pool: Pool
  readonly getConnection: () => Promise<PoolConnection>
}
