import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallContext } from '@finchat/secrets-core'
import { startRedis, startValkey, type RedisOptions, type RedisServer } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { createClient } from '@redis/client'
import { memoryProvider } from '@finchat/secrets-testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { retirePrevious } from '../../engine/retire-previous.ts'
import { rotate } from '../../engine/rotate.ts'
import { tokenGenerator } from '../../generate/token.ts'
import { optionsOf, secretsOver } from '../../testing/rotations.ts'
import { passwordIn, secretValue } from '../../testing/secret-value.ts'
import { testRotationTarget } from '../../testing/target-suite.ts'
import type { RotationTarget } from '../target.ts'
import { redisAclUser, type RedisAclUserOptions, type RedisNode } from './redis-acl-user.ts'

const context: CallContext = { signal: new AbortController().signal }
const generate = tokenGenerator()
const fence = (token: number): { secret: string; token: number } => ({ secret: 'login', token })
const hashOf = (password: string): string => createHash('sha256').update(password).digest('hex')

/** A node, as an application would describe it; `port` is asked anew for each connection. */
function nodeOf(port: () => number, RESP: 2 | 3 = 3): RedisNode {
  const options = (): object => ({ socket: { host: '127.0.0.1', port: port(), reconnectStrategy: false }, RESP })
  return {
    connect: () => createClient(options()),
    login: (username, password) => createClient({ ...options(), username, password }),
  }
}

async function accepts(server: RedisServer, user: string, password: string): Promise<boolean> {
  return server.commandAs([user, password], 'PING').then(
    () => true,
    () => false,
  )
}

async function userOf(servers: readonly RedisServer[], user: string): Promise<string> {
  const password = generate()
  for (const server of servers) await server.command('ACL', 'SETUSER', user, 'on', `#${hashOf(password)}`, '~*', '+@all')
  return password
}

async function hashesOf(server: RedisServer, user: string): Promise<unknown> {
  const reply = await server.command('ACL', 'GETUSER', user)
  return Array.isArray(reply) ? reply[reply.indexOf('passwords') + 1] : undefined
}

async function started(start: Start, args: readonly string[] = []): Promise<RedisServer> {
  const server = await start({ args })
  onTestFinished(server.stop)
  return server
}

describeWithServer('redis', 'an ACL user of Redis', () => {
  suite(startRedis)
  describe('in a cluster', () => {
    clusterSuite(startRedis)
  })
})
describeWithServer('valkey', 'an ACL user of Valkey', () => {
  suite(startValkey)
  describe('in a cluster', () => {
    clusterSuite(startValkey)
  })
})

type Start = (options?: RedisOptions) => Promise<RedisServer>

function suite(start: Start): void {
  let server: RedisServer
  let count = 0
  beforeAll(async () => void (server = await start()))
  afterAll(() => server.stop())

  /** A user of its own for each test. */
  async function freshUser(): Promise<{ user: string; password: string }> {
    const user = `app${(count += 1)}`
    return { user, password: await userOf([server], user) }
  }

  test.each(['abc', '-1', '1e3', ''])('refuses a fence that is no token: %o', async (damaged) => {
    const { user } = await freshUser()
    const hashes = await hashesOf(server, user)
    await server.command('SET', `finchat:fence:${user}`, damaged)
    const target = redisAclUser({ nodes: [nodeOf(() => server.port)], user })
    const call = target.apply(await secretValue(generate()), fence(2), context)
    await expect(call).rejects.toMatchObject({ code: 'CONFIGURATION', remedy: expect.stringContaining(`DEL finchat:fence:${user}`) })
    expect(await hashesOf(server, user)).toEqual(hashes)
  })

  function targetOf(user: string): ReturnType<typeof redisAclUser> {
    return redisAclUser({ nodes: [nodeOf(() => server.port)], user })
  }

  describe.each([2, 3] as const)('by version %i of the protocol', (RESP) => {
    testRotationTarget(test, async () => {
      const { user, password } = await freshUser()
      let isReachable = true
      return {
        target: redisAclUser({ nodes: [nodeOf(() => (isReachable ? server.port : 1), RESP)], user }),
        current: { username: user, password },
        accepts: (value) => accepts(server, user, passwordIn(value)),
        breakServer: async () => {
          isReachable = false
          return async () => void (isReachable = true)
        },
        close: async () => {},
      }
    })
  })

  test('has exactly two passwords, as hashes: the new and the one in force', async () => {
    const { user, password } = await freshUser()
    const [first, second] = [generate(), generate()]
    await targetOf(user).apply(await secretValue(first), fence(2), context)
    expect(await hashesOf(server, user)).toEqual([hashOf(password), hashOf(first)])
    await targetOf(user).apply(await secretValue(second), fence(4), context)
    await targetOf(user).apply(await secretValue(second), fence(4), context)
    expect(await hashesOf(server, user)).toEqual([hashOf(first), hashOf(second)])
    await targetOf(user).apply(await secretValue(first), fence(5), context)
    expect(await hashesOf(server, user)).toEqual([hashOf(first)])
  })

  test('keeps the current password, though one that was set since was discarded by hand', async () => {
    const { user, password } = await freshUser()
    const current = await secretValue(password)
    await targetOf(user).apply(await secretValue(generate()), fence(2), context, current)
    const next = generate()
    await targetOf(user).apply(await secretValue(next), fence(4), context, current)
    expect(await hashesOf(server, user)).toEqual([hashOf(password), hashOf(next)])
  })

  test('keeps the other rules of the user, and its open connections', async () => {
    const { user, password } = await freshUser()
    await server.command('ACL', 'SETUSER', user, 'resetkeys', '~app:*')
    const session = createClient({ url: server.url, username: user, password })
    await session.connect()
    const next = await secretValue(generate())
    await targetOf(user).apply(next, fence(2), context)
    await targetOf(user).retire?.(next, next, fence(2), context)
    expect(await session.ping()).toBe('PONG')
    session.destroy()
    expect(JSON.stringify(await server.command('ACL', 'GETUSER', user))).toContain('app:*')
  })

  test('is set by one of many rotators at once: the highest attempt stands', async () => {
    const { user } = await freshUser()
    const values = Array.from({ length: 12 }, () => generate())
    const applied = values.map(async (value, index) => targetOf(user).apply(await secretValue(value), fence(2 * index + 2), context))
    for (const outcome of await Promise.allSettled(applied))
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(await accepts(server, user, values.at(-1) ?? '')).toBe(true)
    expect(await hashesOf(server, user)).toHaveLength(2)
  })

  test('is not set by a rotator that was stopped between its look at the fence and its transaction', async () => {
    const { user } = await freshUser()
    const [late, newer] = [await secretValue(generate()), await secretValue(generate())]
    const node = nodeOf(() => server.port)
    const reached = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const slow: RedisNode = {
      ...node,
      connect: async ({ signal }) => {
        const client = await node.connect({ signal })
        const multi: typeof client.multi = () => {
          const transaction = client.multi()
          const exec = async (): Promise<unknown> => {
            reached.resolve()
            await goOn.promise
            return transaction.exec()
          }
          return { addCommand: (parts) => transaction.addCommand(parts), exec }
        }
        const { connect, sendCommand, watch, on, destroy } = client
        const bound = {
          connect: connect.bind(client),
          sendCommand: sendCommand.bind(client),
          watch: watch.bind(client),
          on: on.bind(client),
          destroy: destroy.bind(client),
        }
        return { ...bound, multi }
      },
    }
    const stopped = redisAclUser({ nodes: [slow], user }).apply(late, fence(2), context)
    await reached.promise
    await targetOf(user).apply(newer, fence(4), context)
    goOn.resolve()
    await expect(stopped).rejects.toMatchObject({ code: 'VERSION_CONFLICT' })
    expect([await targetOf(user).test(newer, context), await targetOf(user).test(late, context)]).toEqual(['accepted', 'refused'])
  })

  test('survives a restart where the server has an ACL file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'acl-file-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'users.acl')
    writeFileSync(file, 'user default on nopass ~* &* +@all\n')
    const saving = await started(start, ['--aclfile', file])
    await userOf([saving], 'app')
    const next = generate()
    const target = redisAclUser({ nodes: [nodeOf(() => saving.port)], user: 'app' })
    await target.apply(await secretValue(next), fence(2), context)
    expect(readFileSync(file, 'utf8')).toContain(hashOf(next))
    await saving.kill()
    await saving.start()
    expect(await accepts(saving, 'app', next)).toBe(true)
  })

  /** A server with an ACL file that it cannot save meanwhile. */
  async function withAclFile(): Promise<{
    server: RedisServer
    target: RotationTarget
    password: string
    prevent: () => void
    repair: () => void
  }> {
    const folder = mkdtempSync(join(tmpdir(), 'acl-file-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const [inner, away] = [join(folder, 'inner'), join(folder, 'away')]
    mkdirSync(inner)
    writeFileSync(join(inner, 'users.acl'), 'user default on nopass ~* &* +@all\n')
    const own = await started(start, ['--aclfile', join(inner, 'users.acl')])
    const password = await userOf([own], 'app')
    await own.command('ACL', 'SAVE')
    const target = redisAclUser({ nodes: [nodeOf(() => own.port)], user: 'app' })
    return { server: own, target, password, prevent: () => renameSync(inner, away), repair: () => renameSync(away, inner) }
  }

  const notSaved = { code: 'UNAVAILABLE', effect: 'unknown', message: expect.stringContaining('did not save its ACL file') }

  test('that could not be saved says so, and the next rotation saves it before it is made current', async () => {
    const { server: own, target, password, prevent, repair } = await withAclFile()
    const secrets = secretsOver(memoryProvider({ secrets: { db: password } }))
    prevent()
    for (const _ of [1, 2]) await expect(rotate(secrets, 'db', optionsOf(target, { generate }))).rejects.toMatchObject(notSaved)
    expect(await secrets.getSecret('db', { fresh: true })).toBe(password)
    repair()
    expect(await rotate(secrets, 'db', optionsOf(target, { generate }))).toMatchObject({ outcome: 'finished' })
    await own.kill()
    await own.start()
    expect(await accepts(own, 'app', await secrets.getSecret('db', { fresh: true }))).toBe(true)
  })

  test('whose withdrawal could not be saved is withdrawn again, and stays so after a restart', async () => {
    const { server: own, target, password, prevent, repair } = await withAclFile()
    const secrets = secretsOver(memoryProvider({ secrets: { db: password } }))
    await rotate(secrets, 'db', optionsOf(target, { generate }))
    prevent()
    const options = { target, graceSeconds: 0 }
    for (const _ of [1, 2]) await expect(retirePrevious(secrets, 'db', options)).rejects.toMatchObject(notSaved)
    repair()
    expect(await retirePrevious(secrets, 'db', options)).toMatchObject({ outcome: 'retired' })
    await own.kill()
    await own.start()
    expect(await accepts(own, 'app', password)).toBe(false)
  })

  test('that one of two servers did not set may be set on the other', async () => {
    const { user, password } = await freshUser()
    const target = redisAclUser({ nodes: [nodeOf(() => server.port), nodeOf(() => 1)], user })
    await expect(target.apply(await secretValue(generate()), fence(2), context)).rejects.toMatchObject({ effect: 'unknown' })
    expect(await hashesOf(server, user)).toContain(hashOf(password))
  })

  test('is set on a replica too, which takes the fence from its primary', async () => {
    const replica = await started(start, ['--replicaof', '127.0.0.1', String(server.port)])
    const { user } = await freshUser()
    const password = await userOf([replica], user)
    const target = redisAclUser({ nodes: [nodeOf(() => server.port), nodeOf(() => replica.port)], user })
    await expect.poll(() => replica.command('INFO', 'replication')).toContain('master_link_status:up')
    const [first, second] = [await secretValue(generate()), generate()]
    await target.apply(first, fence(2), context)
    await target.apply(await secretValue(second), fence(4), context)
    expect(await accepts(replica, user, second)).toBe(true)
    expect(await accepts(replica, user, password)).toBe(false)
    await expect.poll(() => replica.command('GET', `finchat:fence:${user}`)).toBe('4')
    const late = redisAclUser({ nodes: [nodeOf(() => replica.port)], user }).apply(first, fence(2), context)
    await expect(late).rejects.toMatchObject({ code: 'VERSION_CONFLICT' })
  })

  test('is neither set, tested nor retired while a replica is down', async () => {
    const replica = await started(start, ['--replicaof', '127.0.0.1', String(server.port)])
    const { user, password } = await freshUser()
    await userOf([replica], user)
    const target = redisAclUser({ nodes: [nodeOf(() => server.port), nodeOf(() => replica.port)], user })
    const [current, next] = [await secretValue(password), await secretValue(generate())]
    await replica.kill()
    const down = { code: 'UNAVAILABLE', message: expect.stringContaining('node 2 of 2') }
    await expect(target.apply(next, fence(2), context, current)).rejects.toMatchObject(down)
    await expect(target.test(next, context)).rejects.toMatchObject(down)
    await expect(target.retire?.(current, next, fence(2), context)).rejects.toMatchObject(down)
  })

  test('on two servers: refused by one is refused, and an unreachable one is named', async () => {
    const { user, password } = await freshUser()
    const other = await started(start)
    await userOf([other], user)
    const both = redisAclUser({ nodes: [nodeOf(() => server.port), nodeOf(() => other.port)], user })
    expect(await both.test(await secretValue(password), context)).toBe('refused')
    const next = await secretValue(generate())
    await other.kill()
    await expect(both.apply(next, fence(2), context)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('node 2 of 2'),
    })
    await other.start()
    await userOf([other], user)
    await both.apply(next, fence(2), context)
    expect(await both.test(next, context)).toBe('accepted')
  })

  test('needs few rights, and says which are missing', async () => {
    const { user } = await freshUser()
    const next = await secretValue(generate())
    const rights = ['+role', '+watch', '+unwatch', '+get', '+set', '+multi', '+exec', '+acl', '+ping']
    await server.command('ACL', 'SETUSER', 'rotator', 'on', '>word', '~finchat:*', ...rights)
    const asRotator: RedisNode = {
      ...nodeOf(() => server.port),
      connect: () => createClient({ url: server.url, username: 'rotator', password: 'word' }),
    }
    const target = redisAclUser({ nodes: [asRotator], user })
    await target.apply(next, fence(2), context)
    await server.command('ACL', 'SETUSER', 'rotator', '-acl')
    await expect(target.apply(next, fence(2), context)).rejects.toMatchObject({ code: 'PERMISSION_DENIED', storeStatus: 'NOPERM' })
  })

  test('that does not exist is not made', async () => {
    const apply = targetOf('absent').apply(await secretValue(generate()), fence(2), context)
    await expect(apply).rejects.toMatchObject({ code: 'CONFIGURATION' })
    expect(await server.command('ACL', 'GETUSER', 'absent')).toBeNull()
  })

  test('has its password in no command, data or log of the server', async () => {
    const canary = 'c4n4ry-vXq7-must-not-leak-to-the-server'
    const { user } = await freshUser()
    const seen: string[] = []
    const monitor = createClient({ url: server.url })
    await monitor.connect()
    await monitor.monitor((line) => void seen.push(line))
    const value = await secretValue(canary)
    await targetOf(user).apply(value, fence(2), context)
    expect(await targetOf(user).test(value, context)).toBe('accepted')
    await expect(targetOf(user).apply(value, fence(0), context)).rejects.toMatchObject({ code: 'VERSION_CONFLICT' })
    await expect.poll(() => seen.join('\n')).toContain('"GET"')
    monitor.destroy()
    const everything = [
      ...seen,
      (await server.dump()).toString('latin1'),
      readFileSync(server.log, 'utf8'),
      await server.command('ACL', 'LOG'),
    ]
    expect(JSON.stringify(everything)).not.toContain(canary)
  })
}

const slotCount = 16_384

/** Three nodes, each with a third of the slots, which keep their ACL users in a file. */
async function cluster(start: Start): Promise<readonly [RedisServer, RedisServer, RedisServer]> {
  const folder = mkdtempSync(join(tmpdir(), 'acl-cluster-'))
  const node = async (index: number): Promise<RedisServer> => {
    const file = join(folder, `${index}.acl`)
    writeFileSync(file, 'user default on nopass ~* &* +@all\n')
    const server = await started(start, ['--cluster-enabled', 'yes', '--cluster-node-timeout', '60000', '--aclfile', file])
    const slots = Array.from({ length: slotCount }, (_, slot) => slot).filter((slot) => Math.floor((slot * 3) / slotCount) === index)
    await server.command('CLUSTER', 'ADDSLOTS', ...slots.map(String))
    return server
  }
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const servers = await Promise.all([node(0), node(1), node(2)])
  for (const other of servers.slice(1)) await servers[0].command('CLUSTER', 'MEET', '127.0.0.1', String(other.port))
  for (const server of servers) await expect.poll(() => server.command('CLUSTER', 'INFO')).toContain('cluster_state:ok')
  return servers
}

function clusterSuite(start: Start): void {
  let servers: Awaited<ReturnType<typeof cluster>>
  let password: string
  let target: RotationTarget
  beforeEach(async () => {
    servers = await cluster(start)
    password = await userOf(servers, 'app')
    for (const server of servers) await server.command('ACL', 'SAVE')
    target = redisAclUser({ nodes: servers.map((server) => nodeOf(() => server.port)), user: 'app' })
  })

  test('is set on every node of a cluster, each with a fence in a slot of its own', async () => {
    const [late, next] = [await secretValue(generate()), await secretValue(generate())]
    await target.apply(late, fence(2), context)
    await target.apply(next, fence(4), context)
    expect(await target.test(next, context)).toBe('accepted')
    for (const server of servers) {
      const alone = redisAclUser({ nodes: [nodeOf(() => server.port)], user: 'app' })
      await expect(alone.apply(late, fence(2), context)).rejects.toMatchObject({ code: 'VERSION_CONFLICT' })
    }
  })

  test('is not rotated while a node of the cluster is down, which the next call finishes', async () => {
    const secrets = secretsOver(memoryProvider({ secrets: { db: password } }))
    const options = optionsOf(target, { generate })
    await servers[2].kill()
    await expect(rotate(secrets, 'db', options)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('node 3 of 3'),
    })
    expect(await secrets.getSecret('db')).toBe(password)
    for (const server of servers.slice(0, 2)) expect(await accepts(server, 'app', password)).toBe(true)
    await servers[2].start()
    for (const server of servers) await expect.poll(() => server.command('CLUSTER', 'INFO')).toContain('cluster_state:ok')
    expect(await rotate(secrets, 'db', options)).toMatchObject({ outcome: 'finished' })
    const rotated = await secrets.getSecret('db')
    for (const server of servers) expect(await accepts(server, 'app', rotated)).toBe(true)
  })
}

describe('the options of an ACL user', () => {
  const node = nodeOf(() => 1)

  test.each<[string, object]>([
    ['`nodes`', { user: 'app' }],
    ['`nodes`', { user: 'app', nodes: [] }],
    ['`nodes`', { user: 'app', nodes: [null] }],
    ['`nodes`', { user: 'app', nodes: [undefined, node] }],
    ['`nodes`', { user: 'app', nodes: [{ connect: node.connect }] }],
    ['`user`', { nodes: [node] }],
    ['`user`', { nodes: [node], user: 'two words' }],
    ['`fenceKey`', { nodes: [node], user: 'app', fenceKey: '' }],
    ['not known', { nodes: [node], user: 'app', users: [] }],
  ])('are refused with %s', (problem, options) => {
    expect(() => redisAclUser(options as RedisAclUserOptions)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining(problem) }),
    )
  })
})
