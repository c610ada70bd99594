import { type Postgres, startPostgres } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { postgresRoleLogin } from '../testing/postgres-login.ts'
import { changedElsewhere, openConnections, type RotatedPostgres, rotatedPostgres } from '../testing/rotated-postgres.ts'
import { name } from '../testing/rotated-store.ts'
import { type RotatingSql, rotatingSql } from './postgres.ts'

let server: Postgres

let closed = 0

function options({ config: { host = '', port = 0, user } }: RotatedPostgres) {
  return { host, port, user, database: 'postgres', ssl: false, max: 5, onclose: () => void (closed += 1) } as const
}

/** Ends every connection of the role, until the client has noticed. */
async function disconnect({ config }: RotatedPostgres): Promise<void> {
  const before = closed
  const ended = await server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${config.user}'`)
  await expect.poll(() => closed - before).toBeGreaterThanOrEqual(ended.length)
}

/** Five queries at once after each of three rotations, over connections of their own. */
async function answers({ query }: Pick<RotatingSql, 'query'>, rotated: RotatedPostgres): Promise<number> {
  let answered = 0
  const one = async (): Promise<void> => {
    const [row] = await query(async (sql) => sql`SELECT 1 AS one`)
    answered += Number(row?.['one'])
  }
  for (let n = 0; n < 3; n += 1) {
    await rotated.rotate()
    await Promise.all(Array.from({ length: 5 }, one))
    await disconnect(rotated)
  }
  return answered
}

describeWithServer('postgres', 'postgres', () => {
  beforeAll(async () => void (server = await startPostgres()))
  afterAll(() => server.stop())

  test('fails no query while the password is rotated', async () => {
    const rotated = await rotatedPostgres(await postgresRoleLogin(server))
    const sql = rotatingSql(rotated.service, name, options(rotated))
    onTestFinished(sql.end)
    expect(await answers(sql, rotated)).toBe(3 * 5)
    expect(await sql.query((each) => each.begin((own) => own`SELECT 2 AS two`))).toEqual([{ two: 2 }])
  })

  test('fails its queries, and not the process, when the store has no password that works', async () => {
    const rotated = await rotatedPostgres(await postgresRoleLogin(server))
    const sql = rotatingSql(rotated.service, name, options(rotated))
    onTestFinished(sql.end)
    await changedElsewhere(server, rotated)
    const queries = await Promise.allSettled(Array.from({ length: 5 }, () => sql.query((each) => each`SELECT 1`)))
    for (const query of queries) expect(query).toMatchObject({ status: 'rejected', reason: { code: '28P01' } })
    await expect.poll(() => openConnections(server)).toBe(0)
  })

  test('with a password that was read once is refused after a rotation', async () => {
    const rotated = await rotatedPostgres(await postgresRoleLogin(server))
    const sql = postgres({ ...options(rotated), password: await rotated.service.getSecret(name) })
    onTestFinished(() => sql.end({ timeout: 1 }))
    await expect(answers({ query: (statement) => statement(sql) }, rotated)).rejects.toMatchObject({ code: '28P01' })
  })
})
