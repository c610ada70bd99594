import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import type { CallContext, SecretFields } from '@finchat/secrets-core'
import { startPostgres, type Postgres } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { memoryProvider } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { retirePrevious } from '../../engine/retire-previous.ts'
import { rotate } from '../../engine/rotate.ts'
import { tokenGenerator } from '../../generate/token.ts'
import { optionsOf, secretsOver } from '../../testing/rotations.ts'
import { passwordIn, secretValue } from '../../testing/secret-value.ts'
import { testRotationTarget, type TargetHarness } from '../../testing/target-suite.ts'
import type { PostgresLogin } from './client.ts'
import { postgresRole, type PostgresRoleOptions } from './postgres-role.ts'
import { setPassword } from './role-statements.ts'
import { scramVerifier } from './scram.ts'
import { identifier, literal } from './sql-text.ts'

const context: CallContext = { signal: new AbortController().signal }
const generate = tokenGenerator()
const fence = (token: number): { secret: string; token: number } => ({ secret: 'login', token })

let server: Postgres
let count = 0

/** A client of the server, or of a port where none is. */
function clientOf(user: string, password?: string, isReachable = true): Client {
  const options = { host: '127.0.0.1', port: isReachable ? server.port : 1, database: 'postgres', user, ssl: false }
  return new Client(password === undefined ? options : { ...options, password })
}

async function connected(user: string, password?: string): Promise<Client> {
  const client = clientOf(user, password)
  await client.connect()
  return client
}

/** A message of PostgreSQL's protocol. */
function message(type: string, body: string): Buffer {
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, Buffer.from(body)])
}

async function canLogIn(user: string, password: string): Promise<boolean> {
  const client = clientOf(user, password)
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end()
  }
}

/** Roles of their own for each test: names that need quotes. */
async function roles(): Promise<{ owner: string; users: [string, string]; password: string }> {
  count += 1
  const [owner, first, second] = [`Owner "${count}"`, `app'a\\${count}`, `app"b ${count}`]
  const password = generate()
  await server.query(`CREATE ROLE ${identifier(owner)}`)
  for (const user of [first, second]) {
    await server.query(`CREATE ROLE ${identifier(user)} LOGIN IN ROLE ${identifier(owner)}`)
    await server.query(`ALTER ROLE ${identifier(user)} SET role = ${literal(owner)}`)
  }
  await server.query(`ALTER ROLE ${identifier(first)} PASSWORD ${literal(password)}`)
  return { owner, users: [first, second], password }
}

type Given = Omit<PostgresRoleOptions, 'connect' | 'login'>

function targetOf(given: Given, isReachable: () => boolean = () => true): ReturnType<typeof postgresRole> {
  return postgresRole({
    connect: () => clientOf('postgres', undefined, isReachable()),
    login: (user, password) => clientOf(user, password, isReachable()),
    ...given,
  })
}

function breakable(given: Given, current: string | SecretFields, user: (value: string | SecretFields) => string): TargetHarness {
  let isReachable = true
  return {
    target: targetOf(given, () => isReachable),
    current,
    accepts: (value) => canLogIn(user(value), passwordIn(value)),
    breakServer: async () => {
      isReachable = false
      return async () => void (isReachable = true)
    },
    close: async () => {},
  }
}

describeWithServer('postgres', 'a PostgreSQL role', () => {
  beforeAll(async () => void (server = await startPostgres({ args: ['-c', 'log_statement=all', '-c', 'track_activity_query_size=16384'] })))
  afterAll(() => server.stop())

  describe('alone', () => {
    testRotationTarget(test, async () => {
      const { users, password } = await roles()
      return breakable({ role: users[0] }, password, () => users[0])
    })
  })

  describe('alone, with fields', () => {
    testRotationTarget(test, async () => {
      const { users, password } = await roles()
      const current = { name: users[0], password, host: 'db' }
      return breakable({ role: users[0], userField: 'name' }, current, () => users[0])
    })
  })

  test('outlasts a crash of a server that acknowledges before it writes', async () => {
    const lazy = await startPostgres({ args: ['-c', 'synchronous_commit=off', '-c', 'wal_writer_delay=10s'] })
    onTestFinished(lazy.stop)
    const [next, login] = [generate(), { host: '127.0.0.1', port: lazy.port, database: 'postgres', ssl: false }]
    await lazy.query('CREATE ROLE app LOGIN')
    const target = postgresRole({
      connect: () => new Client({ ...login, user: 'postgres' }),
      login: (user, password) => new Client({ ...login, user, password }),
      role: 'app',
    })
    await target.apply(await secretValue(next), fence(2), context)
    await lazy.kill()
    await lazy.start()
    expect(await target.test(await secretValue(next), context)).toBe('accepted')
  })

  test.each(['off', 'local'])('waits for a synchronous standby, where the default is %s', async (level) => {
    const { users } = await roles()
    await server.query("ALTER SYSTEM SET synchronous_standby_names = 'absent'")
    await server.query(`ALTER DATABASE postgres SET synchronous_commit = ${level}`)
    await server.query('SELECT pg_reload_conf()')
    onTestFinished(async () => {
      for (const each of ['ALTER SYSTEM RESET synchronous_standby_names', 'SELECT pg_reload_conf()']) await server.query(each)
      await server.query('ALTER DATABASE postgres RESET synchronous_commit')
    })
    const next = await secretValue(generate())
    await expect.poll(() => server.query('SHOW synchronous_standby_names')).toEqual([['absent']])
    const call = targetOf({ role: users[0] }).apply(next, fence(2), { signal: AbortSignal.timeout(1_000) })
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' })
  })

  describe('of two that alternate', () => {
    testRotationTarget(test, async () => {
      const { users, owner, password } = await roles()
      const userIn = (value: string | SecretFields): string => (typeof value === 'string' ? '' : (value['username'] ?? ''))
      return breakable({ users, owner }, { username: users[0], password }, userIn)
    })

    test('names the other user, keeps the former one working until it is retired, and counts its sessions', async () => {
      const { users, owner, password } = await roles()
      const target = targetOf({ users, owner })
      const current = await secretValue({ username: users[0], password })
      const next = await target.next(current, generate)
      expect(next).toMatchObject({ username: users[1] })
      await target.apply(await secretValue(next), fence(2), context)
      expect(await canLogIn(users[0], password)).toBe(true)
      const session = await connected(users[0], password)
      expect(await target.sessions?.(current, context)).toBe(1)
      await session.end()
      await expect.poll(() => target.sessions?.(current, context)).toBe(0)
      await target.retire?.(current, await secretValue(next), fence(2), context)
      await expect(connected(users[0], password)).rejects.toMatchObject({ code: '28P01' }) // NOLOGIN would be 28000
    })

    test('is refused before anything is set if the user would not become the owner', async () => {
      const { users, owner, password } = await roles()
      const target = targetOf({ users, owner })
      const next = await secretValue({ username: users[1], password: generate() })
      for (const missing of [`ALTER ROLE ${identifier(users[1])} RESET role`, `REVOKE ${identifier(owner)} FROM ${identifier(users[1])}`]) {
        await server.query(missing)
        await expect(target.apply(next, fence(2), context)).rejects.toMatchObject({ code: 'CONFIGURATION', storeStatus: 'FC002' })
      }
      await server.query(`ALTER ROLE ${identifier(users[0])} RESET role`)
      const current = await secretValue({ username: users[0], password })
      await expect(target.test(current, context)).rejects.toMatchObject({ code: 'CONFIGURATION' })
      expect(await server.query(`SELECT rolpassword FROM pg_authid WHERE rolname = ${literal(users[1])}`)).toEqual([[null]])
    })

    test('does not retire the user that is in force', async () => {
      const { users, owner, password } = await roles()
      const current = await secretValue({ username: users[0], password })
      await targetOf({ users, owner }).retire?.(current, current, fence(2), context)
      expect(await canLogIn(users[0], password)).toBe(true)
    })
  })

  test('needs no superuser: CREATEROLE, ADMIN OPTION and the right to set the fence are enough, and all are needed', async () => {
    const { users, owner, password } = await roles()
    const [rotator, secret] = [`rotator_${count}`, generate()]
    await server.query(`CREATE ROLE ${identifier(rotator)} LOGIN CREATEROLE PASSWORD ${literal(secret)}`)
    const target = postgresRole({ connect: () => clientOf(rotator, secret), login: clientOf, users, owner })
    const next = await secretValue({ username: users[1], password: generate() })
    const current = await secretValue({ username: users[0], password })
    const refused = { code: 'PERMISSION_DENIED', storeStatus: '42501', remedy: expect.stringContaining('SET ON PARAMETER') as string }
    await expect(target.apply(next, fence(2), context, current)).rejects.toMatchObject(refused)
    await server.query(`GRANT ${users.map((user) => identifier(user)).join()} TO ${identifier(rotator)} WITH ADMIN OPTION`)
    await expect(target.apply(next, fence(2), context, current)).rejects.toMatchObject(refused)
    await server.query(`GRANT SET ON PARAMETER finchat.version TO ${identifier(rotator)}`)
    await target.apply(next, fence(2), context, current)
    expect(await target.test(next, context)).toBe('accepted')
  })

  test('changes its own password, if it may set the fence', async () => {
    const { users, password } = await roles()
    const [role] = users
    await server.query(`ALTER ROLE ${identifier(role)} RESET role`)
    const target = targetOf({ role })
    const own = postgresRole({ connect: () => clientOf(role, password), login: clientOf, role })
    const next = await secretValue(generate())
    await expect(own.apply(next, fence(2), context)).rejects.toMatchObject({ code: 'PERMISSION_DENIED', storeStatus: '42501' })
    expect(await target.test(next, context)).toBe('refused')
    await server.query(`GRANT SET ON PARAMETER finchat.version TO ${identifier(role)}`)
    await own.apply(next, fence(2), context)
    expect(await target.test(next, context)).toBe('accepted')
  })

  test('changes the user, not the owner that it has become', async () => {
    const { users, password, owner } = await roles()
    const [role] = users
    await server.query(`GRANT SET ON PARAMETER finchat.version TO ${identifier(role)}`)
    const own = postgresRole({ connect: () => clientOf(role, password), login: clientOf, role })
    const next = generate()
    await own.apply(await secretValue(next), fence(2), context)
    expect(await canLogIn(role, next)).toBe(true)
    expect(await server.query(`SELECT rolpassword FROM pg_authid WHERE rolname = ${literal(owner)}`)).toEqual([[null]])
  })

  test('is set by one of many rotators at once: the highest attempt stands', async () => {
    const { users } = await roles()
    const target = targetOf({ role: users[0] })
    const values = Array.from({ length: 20 }, () => generate())
    const order = values.map((_, index) => index).toSorted((a, b) => ((a * 7) % 20) - ((b * 7) % 20))
    const applied = order.map(async (index) => target.apply(await secretValue(values[index] ?? ''), fence(2 * index), context))
    const outcomes = await Promise.allSettled(applied)
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(await canLogIn(users[0], values[19] ?? '')).toBe(true)
  })

  test('is not set by the late statement of a process that was stopped', async () => {
    const { users } = await roles()
    const [first, second] = [generate(), generate()]
    const target = targetOf({ role: users[0] })
    await target.apply(await secretValue(second), fence(4), context)
    const late = setPassword({ roles: [users[0]] }, users[0], scramVerifier(first), 2)
    await expect(server.query(late)).rejects.toMatchObject({ code: 'FC001' })
    expect([await canLogIn(users[0], first), await canLogIn(users[0], second)]).toEqual([false, true])
  })

  test('is rolled back for good, though the server still runs the statement of a caller that gave up', async () => {
    const { users, password } = await roles()
    const target = targetOf({ role: users[0] })
    const [waiting, discarded, current] = [await connected('postgres'), await secretValue(generate()), await secretValue(password)]
    const waits = async (sessions: number): Promise<void> => {
      const blocked = `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`
      await expect.poll(async () => (await waiting.query<{ count: string }>(blocked)).rows[0]?.count).toBe(String(sessions))
    }
    // Holds the lock of the rotators, so that both statements wait in the server, the rollback first.
    await waiting.query('BEGIN')
    await waiting.query(setPassword({ roles: [users[0]] }, users[0], scramVerifier(password), 0))
    const rollback = target.apply(current, fence(3), context)
    await waits(1)
    const gone = new AbortController()
    const late = target.apply(discarded, fence(2), { signal: gone.signal })
    await waits(2)
    gone.abort()
    await expect(late).rejects.toMatchObject({ code: 'ABORTED' })
    await waiting.query('COMMIT')
    await rollback
    await waits(0)
    await waiting.end()
    expect([await target.test(current, context), await target.test(discarded, context)]).toEqual(['accepted', 'refused'])
  })

  test('leaves no socket behind if the caller gives up on a server that never answers', async () => {
    const silent = createServer({ allowHalfOpen: true }, (socket) => void socket.resume().on('error', () => {}))
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void silent.close())
    const clients: PostgresLogin[] = []
    const login = (user: string, password: string): PostgresLogin => {
      const client = new Client({ host: '127.0.0.1', port: (silent.address() as AddressInfo).port, user, password, ssl: false })
      clients.push(client)
      return client
    }
    const target = postgresRole({ connect: () => clientOf('postgres'), login, role: 'app' })
    const gone = new AbortController()
    const testing = target.test(await secretValue(generate()), { signal: gone.signal })
    await new Promise((resolve) => void silent.once('connection', resolve))
    gone.abort()
    await expect(testing).rejects.toMatchObject({ code: 'ABORTED' })
    expect(clients.map(({ connection }) => connection?.stream)).toMatchObject([{ destroyed: true }])
  })

  test('rejects if the server shuts down while it connects, and the process lives', async () => {
    const answer = Buffer.concat([
      message('R', '\0\0\0\0'), // logged in
      message('Z', 'I'),
      message('E', 'SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'),
    ])
    const stopping = createServer((socket) => void socket.on('error', () => {}).once('data', () => socket.end(answer)))
    await new Promise<void>((resolve) => void stopping.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void stopping.close())
    const { port } = stopping.address() as AddressInfo
    const connect = (): Client => new Client({ host: '127.0.0.1', port, user: 'postgres', ssl: false })
    const target = postgresRole({ connect, login: clientOf, role: 'app' })
    await expect(target.apply(await secretValue(generate()), fence(2), context)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  test('says so if the client is connected already', async () => {
    const target = postgresRole({ connect: () => connected('postgres'), login: clientOf, role: 'app' })
    const call = target.apply(await secretValue(generate()), fence(2), context)
    await expect(call).rejects.toMatchObject({ code: 'CONFIGURATION', remedy: expect.stringContaining('without connect()') })
  })

  test('rotates a first password away that a person chose', async () => {
    const { users, owner } = await roles()
    const [former, target] = ['zw\u00f6lf Boxk\u00e4mpfer', targetOf({ users, owner })]
    await server.query(`ALTER ROLE ${identifier(users[0])} PASSWORD ${literal(former)}`)
    const secrets = secretsOver(memoryProvider())
    await secrets.storeSecret('db', { username: users[0], password: former })
    const options = optionsOf(target, { generate, graceSeconds: 0 })
    expect(await rotate(secrets, 'db', options)).toMatchObject({ outcome: 'rotated' })
    expect(await retirePrevious(secrets, 'db', { target, graceSeconds: 0 })).toEqual({ outcome: 'retired' })
    expect(await canLogIn(users[0], former)).toBe(false)
  })

  test('says that it cannot set such a password again', async () => {
    const { users } = await roles()
    const call = targetOf({ role: users[0] }).apply(await secretValue('zw\u00f6lf'), fence(3), context)
    await expect(call).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', remedy: expect.stringContaining('by hand') })
  })

  test('refuses a fence that is no number, and names it', async () => {
    const { users, password } = await roles()
    await server.query(`ALTER ROLE ${identifier(users[0])} SET finchat.version = 'abc'`)
    const call = targetOf({ role: users[0] }).apply(await secretValue(generate()), fence(2), context)
    const remedy = expect.stringContaining('RESET finchat.version')
    await expect(call).rejects.toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining('fence'), remedy })
    expect(await canLogIn(users[0], password)).toBe(true)
  })

  test('needs read committed, since an older snapshot does not show the fence', async () => {
    const { users } = await roles()
    const options = '-c default_transaction_isolation=serializable'
    const connect = (): Client => new Client({ host: '127.0.0.1', port: server.port, database: 'postgres', user: 'postgres', options })
    const target = postgresRole({ connect, login: clientOf, role: users[0] })
    await expect(target.apply(await secretValue(generate()), fence(2), context)).rejects.toMatchObject({ storeStatus: 'FC003' })
  })

  test('has its password in no statement, activity or log of the server', async () => {
    const { users, owner, password } = await roles()
    const target = targetOf({ users, owner })
    const canary = 'c4n4ry-vXq7-must-not-leak-to-the-server'
    const next = await secretValue({ username: users[1], password: canary })
    const seen: string[] = []
    const watcher = await connected('postgres')
    const spying = postgresRole({
      connect: () => {
        const client = clientOf('postgres')
        const { query } = client
        const spied = async (text: string): Promise<{ rows: unknown[] }> => {
          const answer = await Reflect.apply<Client, [string], Promise<{ rows: unknown[] }>>(query, client, [text])
          seen.push(JSON.stringify((await watcher.query('SELECT query FROM pg_stat_activity')).rows))
          return answer
        }
        return { connect: () => client.connect(), query: spied, end: () => client.end(), on: client.on.bind(client) }
      },
      login: clientOf,
      users,
      owner,
    })
    await spying.apply(next, fence(2), context)
    expect(await target.test(next, context)).toBe('accepted')
    await expect(spying.apply(next, fence(0), context)).rejects.toMatchObject({ code: 'VERSION_CONFLICT' })
    await spying.retire?.(await secretValue({ username: users[0], password }), next, fence(2), context)
    await watcher.end()
    const log = readFileSync(server.log, 'utf8')
    expect(seen.join('')).toContain('SCRAM-SHA-256') // so that the statement was there to be seen
    expect(log).toContain('SCRAM-SHA-256')
    expect(`${seen.join('')}${log}`).not.toContain(canary)
  })

  test.each([
    ['28000', 'PERMISSION_DENIED', 'NOLOGIN'],
    ['53300', 'UNAVAILABLE', 'CONNECTION LIMIT 0'],
  ])('cannot tell what a password is worth at %s', async (state, code, change) => {
    const { users, password } = await roles()
    await server.query(`ALTER ROLE ${identifier(users[0])} ${change}`)
    const call = targetOf({ role: users[0] }).test(await secretValue(password), context)
    await expect(call).rejects.toMatchObject({ code, storeStatus: state })
  })

  test('proves nothing of a password where the server accepts every one, and says so', async () => {
    const target = targetOf({ role: 'postgres' }) // trusted by pg_hba.conf
    const call = target.test(await secretValue('c4n4ry-which-was-never-set'), context)
    await expect(call).rejects.toMatchObject({ code: 'CONFIGURATION', remedy: expect.stringContaining('pg_hba.conf') })
    expect(JSON.stringify(await call.catch((error: unknown) => error))).not.toContain('c4n4ry')
  })

  test('tries a wrong password once for each user, after the first that was accepted', async () => {
    const { users, password } = await roles()
    const tried: string[] = []
    const login = (user: string, tries: string): Client => (tried.push(tries), clientOf(user, tries))
    const target = postgresRole({ connect: () => clientOf('postgres'), login, role: users[0] })
    const values = await Promise.all(['no', password, password, 'no'].map((each) => secretValue(each)))
    const answers = []
    for (const value of values) answers.push(await target.test(value, context))
    expect(answers).toEqual(['refused', 'accepted', 'accepted', 'refused'])
    expect(tried.map((each) => (each === password || each === 'no' ? each : 'random'))).toEqual(['no', password, 'random', password, 'no'])
  })

  test('is accepted where a wrong password is refused with an error of a pooler', async () => {
    const { users, password } = await roles()
    const pooler = (user: string, tries: string): PostgresLogin => {
      const client = clientOf(user, tries)
      const connect = async (): Promise<unknown> =>
        client.connect().catch(() => Promise.reject(Object.assign(new Error('x'), { code: '08P01' })))
      return { connect, query: (text) => client.query(text), end: () => client.end(), on: client.on.bind(client) }
    }
    const target = postgresRole({ connect: () => clientOf('postgres'), login: pooler, role: users[0] })
    expect(await target.test(await secretValue(password), context)).toBe('accepted')
  })

  test('that does not exist is a matter of configuration', async () => {
    const target = targetOf({ role: 'not here' })
    await expect(target.apply(await secretValue(generate()), fence(2), context)).rejects.toMatchObject({
      code: 'CONFIGURATION',
      problem: 'there is no role "not here"',
      remedy: expect.any(String),
      storeStatus: '42704',
    })
  })

  test('may have any name that PostgreSQL can hold', async () => {
    const names = fc.string({ unit: 'binary', minLength: 1, maxLength: 15 }).filter((name) => !name.includes('\0') && name.isWellFormed())
    const hostile = fc.constantFrom('"', "'", '\\', "'; DROP ROLE postgres; --", '$$', "E'", '" SUPERUSER "', '${x}', '%I', '\n')
    const mixed = fc.tuple(hostile, names).map(([one, two]) => `${one}${two}`.slice(0, 40))
    await fc.assert(
      fc.asyncProperty(mixed, async (name) => {
        fc.pre(Buffer.byteLength(name) <= 60 && name.isWellFormed())
        const role = `r${name}` // never `pg_…`
        await server.query(`CREATE ROLE ${identifier(role)} LOGIN`)
        const password = generate()
        await targetOf({ role }).apply(await secretValue(password), fence(2), context)
        expect(await canLogIn(role, password)).toBe(true)
        expect(await server.query(`SELECT rolname, rolsuper FROM pg_roles WHERE rolname = ${literal(role)}`)).toEqual([[role, 'f']])
        await server.query(`DROP ROLE ${identifier(role)}`)
      }),
      { numRuns: 40 },
    )
  })

  test('gets any text as a literal', async () => {
    const texts = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0') && text.isWellFormed())
    await fc.assert(
      fc.asyncProperty(texts, fc.constantFrom('on', 'off'), async (text, conforming) => {
        const client = await connected('postgres')
        await client.query(`SET standard_conforming_strings = ${conforming}`)
        const { rows } = await client.query<{ text: string }>(`SELECT ${literal(text)} AS text`)
        await client.end()
        expect(rows[0]?.text).toBe(text)
      }),
      { numRuns: 40 },
    )
  })
})

describe('the options of a PostgreSQL role', () => {
  const connect = (): Promise<Client> => Promise.reject(new Error('not asked'))
  const login = (user: string, password: string): Client => new Client({ user, password })

  test.each<[string, object]>([
    ['`connect`', { login, role: 'app' }],
    ['`login`', { connect, role: 'app' }],
    ['which roles', { connect, login }],
    ['which roles', { connect, login, role: 'app', users: ['a', 'b'], owner: 'c' }],
    ['which roles', { connect, login, users: ['a', 'b'] }],
    ['which roles', { connect, login, role: 'a', owner: 'b' }],
    ['three roles', { connect, login, users: ['a', 'a'], owner: 'c' }],
    ['three roles', { connect, login, users: ['a', 'b'], owner: 'b' }],
    ['`role`', { connect, login, role: '' }],
    ['`role`', { connect, login, role: 'a\0b' }],
    ['`role`', { connect, login, role: 'a'.repeat(64) }],
    ['`role`', { connect, login, role: 'ü'.repeat(32) }],
    ['`role`', { connect, login, role: '\ud800' }],
    ['not known', { connect, login, role: 'a', user: 'b' }],
  ])('are refused with %s', (problem, options) => {
    expect(() => postgresRole(options as PostgresRoleOptions)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining(problem) }),
    )
  })

  test.each<[string, string | SecretFields]>([
    ['another role', { username: 'postgres', password: 'one' }],
    ['no password', { username: 'app' }],
    ['a password that SASLprep changes', 'soft\u00adhyphen'],
    ['a space', 'two words'],
  ])('do not fit a value with %s', async (_, value) => {
    const target = postgresRole({ connect, login, role: 'app' })
    const call = target.apply(await secretValue(value), fence(2), context)
    await expect(call).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('of two users tell a credential by its user, since each has one password', async () => {
    const { isSameCredential } = postgresRole({ connect, login, users: ['a', 'b'], owner: 'c' })
    const [a, again, b] = await Promise.all([
      secretValue({ username: 'a', password: 'one' }),
      secretValue({ username: 'a', password: 'two', host: 'db.example' }),
      secretValue({ username: 'b', password: 'one' }),
    ])
    expect([isSameCredential?.(a, again), isSameCredential?.(a, b)]).toEqual([true, false])
  })

  test('of two users do not fit a value that names none, nor a password that was made of other characters', async () => {
    const target = postgresRole({ connect, login, users: ['a', 'b'], owner: 'c' })
    await expect(target.next(await secretValue('plain'), generate)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    const current = await secretValue({ username: 'a', password: 'one' })
    await expect(target.next(current, () => 'zwölf')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('do not fit a token that is no whole number', async () => {
    const target = postgresRole({ connect, login, role: 'app' })
    const value = await secretValue('one')
    for (const token of [Number.NaN, 1.5, -1])
      await expect(target.apply(value, fence(token), context)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})
