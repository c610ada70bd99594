// The part to copy: a pool whose logins outlast rotations.
import type { SecretsManager } from '@finchat/secrets-core'
import { liveSecret, useSecret } from '@finchat/secrets-core/live'
import { Pool, type PoolConfig } from 'pg'

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
  const pool = new Pool({ ...config, password: live.asPasswordFunction() })
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
