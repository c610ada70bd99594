import type { SecretsManager } from '@finchat/secrets-core'
import { useSecret } from '@finchat/secrets-core/live'
import { rotatingPool } from '@finchat/secrets-rotation-tests/recipes/pg'
import { currentPassword } from '@finchat/secrets-rotation-tests/recipes/pg-one-role'
import { currentUser } from '@finchat/secrets-rotation-tests/recipes/pg-two-users'
import { type PostgresLogin, postgresRoleLogin, postgresUsersLogin } from '@finchat/secrets-rotation-tests/testing/postgres-login'
import type { Postgres } from '@finchat/secrets-test-servers'
import { Pool, type PoolConfig } from 'pg'
import { type Rights, serviceName } from './secret-stores.ts'

/** How a service logs in while its password is rotated. */
export interface LoginWay extends Rights {
  readonly title: string
  /** Between two rotations, if they are not to follow each other as soon as in other ways. */
  readonly pauseMs?: number | undefined
  readonly login: (server: Postgres) => Promise<PostgresLogin>
  readonly pool: (secrets: SecretsManager, config: PoolConfig) => Promise<Pool>
}

export const oneRole: LoginWay = {
  title: 'one role',
  login: postgresRoleLogin,
  pool: async (secrets, config) =>
    rotatingPool(secrets, serviceName, { ...config, Client: currentPassword(secrets, serviceName, 'password') }),
}

export const twoUsers: LoginWay = {
  title: 'two users',
  login: postgresUsersLogin,
  pool: async (secrets, config) => rotatingPool(secrets, serviceName, { ...config, Client: await currentUser(secrets, serviceName) }),
}

/**
 * Each login is refused for a second, which is less than the budget of 5 s. The new password is seen
 * up to a second later, so rotations without a pause would make one long window of many.
 */
export const withoutPending: LoginWay = {
  ...oneRole,
  title: 'one role, without pending',
  mayReadPending: false,
  windowMs: 1_000,
  pauseMs: 3_000,
}

/** Knows no second attempt: the load must notice that. */
export const withoutRecipe: LoginWay = {
  ...oneRole,
  title: 'without useSecret',
  pool: async (secrets, config) => new Pool({ ...config, password: () => secrets.getSecret(serviceName) }),
}

/** Gives up before the rotation is over: the load must notice that the window is there. */
export const withSmallBudget: LoginWay = {
  ...withoutPending,
  title: 'without pending, and with a budget shorter than the window',
  pool: async (secrets, config) => {
    const pool = new Pool({ ...config, Client: currentPassword(secrets, serviceName, 'password') })
    const query = async (text: string): Promise<unknown> => {
      const client = await useSecret(secrets, serviceName, () => pool.connect(), { isAuthError, budgetMs: 200 })
      return client.query(text).finally(() => client.release())
    }
    return Object.assign(pool, { query })
  },
}

const isAuthError = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '28P01'
