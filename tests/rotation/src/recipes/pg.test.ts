import { PrismaPg } from '@prisma/adapter-pg'
import { type Postgres, startPostgres } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { Pool, type PoolConfig } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { postgresRoleLogin, postgresUsersLogin } from '../testing/postgres-login.ts'
import { openConnections, type RotatedPostgres, rotatedPostgres } from '../testing/rotated-postgres.ts'
import { name } from '../testing/rotated-store.ts'
import { currentUser } from './pg-two-users.ts'
import { currentPassword } from './pg-one-role.ts'
import { rotatingPool } from './pg.ts'

let server: Postgres
/** Each query opens a connection of its own. */
const churn: PoolConfig = { max: 5, maxUses: 1 }

function opened<T extends Pool>(pool: T): T {
  onTestFinished(() => pool.end())
  return pool
}

/** 20 queries at once, again and again: before and after each of three rotations, and while they run. */
async function usersInUse(pool: Pick<Pool, 'query'>, { rotate }: RotatedPostgres): Promise<Set<string>> {
  const users = new Set<string>()
  const queries = (): Promise<unknown> =>
    Promise.all(
      Array.from({ length: 20 }, async () => {
        const { rows } = await pool.query<{ user: string }>('SELECT session_user AS user')
        for (const { user } of rows) users.add(user)
      }),
    )
  await queries()
  for (let n = 0; n < 3; n += 1) {
    const rotation = { isDone: false }
    const rotated = rotate().finally(() => (rotation.isDone = true))
    try {
      while (!rotation.isDone) await queries()
    } finally {
      await rotated
    }
    await queries()
  }
  return users
}

describeWithServer('postgres', 'a pool of pg', () => {
  beforeAll(async () => void (server = await startPostgres()))
  afterAll(() => server.stop())

  test('fails no query while the password of its role is rotated', async () => {
    const rotated = await rotatedPostgres(await postgresRoleLogin(server))
    // A password that was left in the settings does not win.
    const Client = currentPassword(rotated.service, name)
    const pool = opened(rotatingPool(rotated.service, name, { ...rotated.config, ...churn, Client, password: 'of another time' }))
    expect(await usersInUse(pool, rotated)).toEqual(new Set([rotated.config.user]))
    const client = await pool.connect()
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    client.release()
  })

  test('fails no query while two users take turns', async () => {
    const rotated = await rotatedPostgres(await postgresUsersLogin(server))
    const { user, ...config } = rotated.config
    const Client = await currentUser(rotated.service, name)
    const pool = opened(rotatingPool(rotated.service, name, { ...config, ...churn, Client }))
    expect(await usersInUse(pool, rotated)).toEqual(new Set([user, user.replace(/a$/, 'b')]))
  })

  test('below the adapter of Prisma fails no query', async () => {
    const rotated = await rotatedPostgres(await postgresRoleLogin(server))
    const Client = currentPassword(rotated.service, name)
    const pool = opened(rotatingPool(rotated.service, name, { ...rotated.config, ...churn, Client }))
    const adapter = await new PrismaPg(pool).connect()
    const query = async (sql: string): Promise<{ rows: { user: string }[] }> => {
      const { rows } = await adapter.queryRaw({ sql, args: [], argTypes: [] })
      return { rows: rows.map(([user]) => ({ user: String(user) })) }
    }
    expect(await usersInUse({ query } as Pick<Pool, 'query'>, rotated)).toEqual(new Set([rotated.config.user]))
  })

  test('with a password that was read once is refused after a rotation', async () => {
    const rotated = await rotatedPostgres(await postgresRoleLogin(server))
    const password = await rotated.service.getSecret(name)
    const pool = opened(new Pool({ ...rotated.config, ...churn, password }))
    await expect(usersInUse(pool, rotated)).rejects.toMatchObject({ code: '28P01' })
  })

  test('with the password function alone, without useSecret, is refused until the next probe', async () => {
    const rotated = await rotatedPostgres(await postgresRoleLogin(server))
    const password = (): Promise<string> => rotated.service.getSecret(name)
    const pool = opened(new Pool({ ...rotated.config, ...churn, password }))
    await expect(usersInUse(pool, rotated)).rejects.toMatchObject({ code: '28P01' })
  })

  test('opens no connection before it has a password', async () => {
    const { service, config } = await rotatedPostgres(await postgresRoleLogin(server))
    const pool = opened(rotatingPool(service, name, { ...config, ...churn, Client: currentPassword(service, 'none') }))
    const queries = await Promise.allSettled(Array.from({ length: 20 }, () => pool.query('SELECT 1')))
    for (const query of queries) expect(query).toMatchObject({ reason: { code: 'NOT_FOUND' } })
    expect(await openConnections(server)).toBe(0)
  })

  test('passes on what is no refusal of the credential', async () => {
    const rotated = await rotatedPostgres(await postgresRoleLogin(server))
    const pool = opened(
      rotatingPool(rotated.service, name, { ...rotated.config, database: 'none', Client: currentPassword(rotated.service, name) }),
    )
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: '3D000' })
  })
})
