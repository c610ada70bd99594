import type { SecretsManager } from '@finchat/secrets-core'
import { liveSecret, useSecret } from '@finchat/secrets-core/live'
import postgres, { type Options, type Sql } from 'postgres'

const isAuthError = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '28P01'

/** A statement whose login is refused was never sent, so that `query` may repeat it. */
export function rotatingSql(secrets: SecretsManager, name: string, options: Options<Record<string, never>>): RotatingSql {
  const current = liveSecret(secrets, name).asPasswordFunction()
  // The client does not catch an error here, which would end the process. An empty password is refused.
  const sql = postgres({ ...options, password: () => current().catch(() => '') })
  return { query: (statement) => useSecret(secrets, name, () => statement(sql), { isAuthError }), end: () => sql.end({ timeout: 5 }) }
}

export interface RotatingSql {
  /** One statement a call, or one `sql.begin(…)`. */
  readonly query: <T>(statement: (sql: Sql) => Promise<T>) => Promise<T>
  readonly end: () => Promise<void>
}
