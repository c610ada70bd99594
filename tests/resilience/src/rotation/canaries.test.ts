import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { passwordGenerator, type RotationTarget } from '@finchat/secrets-rotation'
import { postgresRole } from '@finchat/secrets-rotation/postgres'
import { type RedisNode, redisAclUser } from '@finchat/secrets-rotation/redis'
import { postgresRoleLogin, postgresUsersLogin } from '@finchat/secrets-rotation-tests/testing/postgres-login'
import { type Postgres, type RedisServer, startPostgres, startRedis } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { leaksOf } from '@finchat/secrets-testkit'
import { createClient } from '@redis/client'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { inScratch } from '../harness/scratch.ts'
import { rotatedSecret } from './rotated-secret.ts'
import { startRotator } from './rotator.ts'
import { startStore } from './secret-stores.ts'
import { type WitnessedRotation, witnessedRotation } from './witnessed-rotation.ts'

const unreachable = 1

async function witnessed(first: Parameters<typeof witnessedRotation>[0]): Promise<WitnessedRotation> {
  const rotation = await witnessedRotation(first)
  onTestFinished(rotation.close)
  return rotation
}

/**
 * Rotations that succeed, that are refused and then rolled back, that find no server, and that find
 * the fence of a lost store.
 */
async function allEnds(
  rotation: WitnessedRotation,
  target: RotationTarget,
  lost: RotationTarget,
  raiseFence: () => Promise<unknown>,
): Promise<string[]> {
  const outcomes: string[] = []
  for (const each of [target, target, { ...target, test: async () => 'refused' as const }, target, lost, target])
    outcomes.push(await rotation.rotate(each))
  await raiseFence()
  return [...outcomes, await rotation.rotate(target)]
}

const ends = ['rotated', 'rotated', 'CONFIGURATION', 'CONFIGURATION', 'UNAVAILABLE', 'finished', 'VERSION_CONFLICT']

function leaks({ values, seen }: Pick<WitnessedRotation, 'values' | 'seen'>): string[] {
  return values.flatMap((value) => leaksOf(seen, value))
}

test('the search would find a value in what was seen', () => {
  const value = passwordGenerator()()
  expect(leaks({ values: [value], seen: [{ log: `ALTER ROLE app PASSWORD '${value}'` }] })).not.toEqual([])
})

describeWithServer('postgres', 'a whole rotation in PostgreSQL', () => {
  let server: Postgres
  const chatty = ['log_statement=all', 'log_connections=on', 'log_min_messages=debug1', 'track_activity_query_size=16384']
  beforeAll(async () => void (server = await startPostgres({ args: chatty.flatMap((each) => ['-c', each]) })))
  afterAll(() => server.stop())

  /** After each statement it looks at the activity, while the connection is still shown there. */
  async function spyingTarget(roles: object, seen: unknown[], port = server.port): Promise<RotationTarget> {
    const at = { host: server.host, port, database: 'postgres', ssl: false }
    const watcher = new Client({ ...at, port: server.port, user: server.user })
    await watcher.connect()
    onTestFinished(() => watcher.end())
    const connect = (): Pick<Client, 'connect' | 'query' | 'end' | 'on'> => {
      const client = new Client({ ...at, user: server.user })
      const query = async (text: string): Promise<{ rows: unknown[] }> => {
        try {
          return await client.query(text)
        } finally {
          seen.push((await watcher.query('SELECT * FROM pg_stat_activity')).rows)
        }
      }
      return {
        connect: client.connect.bind(client),
        query: query as Client['query'],
        end: client.end.bind(client),
        on: client.on.bind(client),
      }
    }
    return postgresRole({ connect, login: (user, password) => new Client({ ...at, user, password }), ...roles })
  }

  test.each([
    ['one role', postgresRoleLogin],
    ['two users', postgresUsersLogin],
  ] as const)('shows no generated value in activity, log, trail, progress or errors: %s', async (_title, loginOf) => {
    const { first, roles, config } = await loginOf(server)
    const rotation = await witnessed(first)
    const target = await spyingTarget(roles, rotation.seen)
    const lost = await spyingTarget(roles, rotation.seen, unreachable)
    const raiseFence = (): Promise<unknown> => server.query(`ALTER ROLE ${config.user} SET finchat.version = '1000'`)
    expect(await allEnds(rotation, target, lost, raiseFence)).toEqual(ends)
    expect(rotation.values).toHaveLength(5)
    expect(JSON.stringify(rotation.seen)).toContain('SCRAM-SHA-256') // so that the statements were there to be seen
    rotation.seen.push(readFileSync(server.log, 'utf8'))
    expect(rotation.seen.at(-1)).toContain('SCRAM-SHA-256')
    expect(leaks(rotation)).toEqual([])
  })

  test('shows no value in the arguments and the environment of its process', async () => {
    await inScratch(async (folder) => {
      const secret = await rotatedSecret(server, await startStore.local(folder), await postgresRoleLogin(server))
      const rotator = startRotator({ ...secret.orders, haltAt: 'after test' })
      expect(await rotator.halts).toBe('after test')
      const { stdout } = await promisify(execFile)('ps', ['-eww', '-o', 'args'], { maxBuffer: 2 ** 26 })
      const environment = readFileSync(`/proc/${rotator.child.pid}/environ`, 'utf8')
      const values = [await secret.current(), (await secret.pending()) ?? '']
      expect(await rotator.goOn()).toBe('ended rotated')
      expect(stdout).toContain('rotator-process.ts')
      expect(await secret.current()).toBe(values[1])
      for (const value of values) expect(leaksOf([stdout, environment, rotator.said], value)).toEqual([])
      await secret.close()
    })
  })
})

describeWithServer('redis', 'a whole rotation in Redis', () => {
  let server: RedisServer
  beforeAll(async () => void (server = await startRedis({ args: ['--loglevel', 'debug', '--slowlog-log-slower-than', '0'] })))
  afterAll(() => server.stop())

  function targetAt(port: number): RotationTarget {
    const options = { socket: { host: server.host, port, reconnectStrategy: false as const } }
    const login: RedisNode['login'] = (username, password) => createClient({ ...options, username, password })
    return redisAclUser({ nodes: [{ connect: () => createClient(options), login }], user: 'app' })
  }

  test('shows no generated value in commands, logs, data, trail, progress or errors', async () => {
    const first = 'the-first-password-of-the-application'
    await server.command('ACL', 'SETUSER', 'app', 'on', `>${first}`, '~*', '+@all')
    const rotation = await witnessed(first)
    const monitor = createClient({ url: server.url, socket: { reconnectStrategy: false } }).on('error', () => {}) // it is destroyed
    await monitor.connect()
    await monitor.monitor((line) => void rotation.seen.push(line))
    const raiseFence = (): Promise<unknown> => server.command('SET', 'finchat:fence:app', '1000')
    expect(await allEnds(rotation, targetAt(server.port), targetAt(unreachable), raiseFence)).toEqual(ends)
    await expect.poll(() => JSON.stringify(rotation.seen)).toContain('1000') // the last one; the server hides ACL commands
    monitor.destroy()
    const views = ['ACL LOG', 'ACL LIST', 'SLOWLOG GET 1000', 'CLIENT LIST']
    for (const view of views) rotation.seen.push(await server.command(...view.split(' ')))
    rotation.seen.push(readFileSync(server.log, 'utf8'), (await server.dump()).toString('latin1'))
    expect(leaks(rotation)).toEqual([])
  })
})
