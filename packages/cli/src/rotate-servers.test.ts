import { rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { SecretsManager, SecretValue } from '@finchat/secrets-core'
import { useSecret } from '@finchat/secrets-core/live'
import { type Postgres, type RedisServer, startPostgres, startRedis } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { loadConfig } from './config/load-config.ts'
import { runChild } from './testing/child.ts'
import { makeProgram, type Outcome, type Program } from './testing/run-program.ts'

const rotatorPassword = 'canary-4711-of-the-rotator'
const firstPassword = 'canary-4711-first-password'
const projects: Program[] = []
afterEach(() => projects.splice(0).forEach(({ folder }) => rmSync(folder, { recursive: true })))

function project(rotation: object, secrets: object = {}): Program {
  const program = makeProgram({ ...configOf(rotation), secrets }, { ROTATOR: rotatorPassword })
  projects.push(program)
  return program
}

const configOf = (rotation: object): object => ({
  provider: 'local',
  local: { key: { variable: 'APP_KEY' }, keepVersions: 'all' },
  rotation,
})

/** The program in a process of its own; `more` are its variables. */
const runIn = async ({ folder, key }: Program, args: readonly string[], more: Record<string, string> = {}): Promise<Outcome> =>
  runChild(args, { cwd: folder, env: { APP_KEY: key, ROTATOR: rotatorPassword, ...more } })

/** What a run showed, which must be no password. */
function assertClean({ stdout, stderr }: Outcome): void {
  expect(stdout + stderr).not.toMatch(/canary/)
}

/** Uses the secret again and again, as a service does; `stop` returns how often, and what failed. */
function busyService(
  secrets: SecretsManager,
  name: string,
  use: (value: SecretValue) => Promise<void>,
  isAuthError: (error: unknown) => boolean,
) {
  const [failures, ending]: [unknown[], AbortController] = [[], new AbortController()]
  let uses = 0
  const running = (async () => {
    while (!ending.signal.aborted) {
      await useSecret(secrets, name, use, { isAuthError }).catch((error: unknown) => failures.push(error))
      uses++
    }
  })()
  return {
    stop: async () => {
      ending.abort()
      await running
      return { uses, failures }
    },
  }
}

describeWithServer('postgres', 'rotate at PostgreSQL', () => {
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
    await server.query(`CREATE ROLE rotator LOGIN CREATEROLE PASSWORD '${rotatorPassword}'`)
    await server.query('GRANT SET ON PARAMETER finchat.version TO rotator')
    await server.query('CREATE ROLE shop')
  })
  afterAll(() => server.stop())

  async function makeUsers(...users: string[]): Promise<void> {
    for (const user of users) {
      await server.query(`CREATE ROLE ${user} LOGIN IN ROLE shop PASSWORD '${firstPassword}'`)
      await server.query(`ALTER ROLE ${user} SET role = shop`)
      await server.query(`GRANT ${user} TO rotator WITH ADMIN OPTION`)
    }
  }

  const targetFor = (users: readonly string[]): object => ({
    kind: 'postgres',
    host: server.host,
    port: server.port,
    database: 'postgres',
    tls: false,
    administrator: 'rotator',
    password: { variable: 'ROTATOR' },
    users,
    owner: 'shop',
  })

  async function logIn(value: SecretValue): Promise<void> {
    const { username: user, password } = value.json() as { username: string; password: string }
    const client = new Client({ host: server.host, port: server.port, database: 'postgres', ssl: false, user, password })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query('SELECT 1')
    } finally {
      await client.end()
    }
  }

  const isRefused = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '28P01'

  async function begun(program: Program, user: string): Promise<SecretsManager> {
    for (const [field, value] of Object.entries({ username: user, password: firstPassword }))
      await program.run(['set', 'DB', '--field', field], value)
    return (await loadConfig({ cwd: program.folder, env: { APP_KEY: program.key } })).secrets
  }

  it('fails no login of a service, over several rotations', async () => {
    await makeUsers('a1', 'a2')
    const program = project({ DB: { generate: { kind: 'password' }, target: targetFor(['a1', 'a2']) } })
    await using secrets = await begun(program, 'a1')
    const service = busyService(secrets, 'DB', logIn, isRefused)
    for (const version of [3, 4, 5]) {
      const outcome = await runIn(program, ['rotate', 'DB', '--json'])
      expect({ code: outcome.code, version: (JSON.parse(outcome.stdout) as { version: number }).version, stderr: outcome.stderr }).toEqual({
        code: 0,
        version,
        stderr: '',
      })
      assertClean(outcome)
    }
    const retired = await runIn(program, ['rotate', 'DB', '--retire'])
    expect(retired).toMatchObject({ code: 0, stderr: 'DB: the former value is withdrawn\n' })
    const { uses, failures } = await service.stop()
    expect(failures).toEqual([])
    expect(uses).toBeGreaterThan(10)
    expect(await server.query("SELECT rolname FROM pg_authid WHERE rolname IN ('a1', 'a2') AND rolpassword IS NULL")).toEqual([['a1']])
  })

  it('keeps JSON text as such, so that check, get and run go on', async () => {
    await makeUsers('j1', 'j2')
    const program = project({ DB: { target: targetFor(['j1', 'j2']) } }, { DB: { type: 'json' } })
    await program.run(['set', 'DB'], JSON.stringify({ username: 'j1', password: firstPassword }))
    for (const user of ['j2', 'j1']) {
      const rotated = await runIn(program, ['rotate', 'DB'])
      expect(rotated.code).toBe(0)
      assertClean(rotated)
      expect(await program.run(['check'])).toMatchObject({ code: 0, stdout: 'DB\tok\tlocal\t\n' })
      const text = (await program.run(['get', 'DB'])).stdout
      expect(JSON.parse(text)).toEqual({ username: user, password: expect.any(String) })
      const print = ['--no-redact', '--', process.execPath, '-e', 'process.stdout.write(process.env.DB)']
      expect((await program.run(['run', ...print])).stdout).toBe(text)
    }
  })

  it.each([
    ['apply', 'before'],
    ['apply', 'after'],
    ['test', 'after'],
  ])('killed at `%s`, %s it, is finished by the next call', async (step, when) => {
    const users = [`k1_${step}_${when}`, `k2_${step}_${when}`]
    await makeUsers(...users)
    const program = project({ DB: { target: targetFor(users) } })
    await using secrets = await begun(program, users[0] ?? '')
    const config = join(program.folder, 'killed.config.mts')
    writeFileSync(config, killedConfig(step, when, users))
    const service = busyService(secrets, 'DB', logIn, isRefused)
    expect((await runIn(program, ['rotate', 'DB', '--config', config])).code).toBe(-1) // it ended by a signal
    const finished = await runIn(program, ['rotate', 'DB'])
    expect(finished).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('is rotated, by what an earlier rotation had begun, as version 3') as string,
    })
    assertClean(finished)
    const { failures } = await service.stop()
    expect(failures).toEqual([])
    await logIn(await secrets.getSecretValue('DB', { version: 3 }))
  })

  /** The same rotation, by a target that kills its process. */
  function killedConfig(step: string, when: string, users: readonly string[]): string {
    const require = createRequire(import.meta.url)
    const [rotation, pg] = [fileURLToPath(new URL('../../rotation/src/postgres.ts', import.meta.url)), require.resolve('pg')].map(
      (path) => pathToFileURL(path).href,
    )
    return `import { postgresRole } from '${rotation}'
      import pg from '${pg}'
      const server = { host: '${server.host}', port: ${server.port}, database: 'postgres', ssl: false }
      const target = postgresRole({
        connect: () => new pg.Client({ ...server, user: 'rotator', password: process.env['ROTATOR'] }),
        login: (user, password) => new pg.Client({ ...server, user, password }),
        users: ${JSON.stringify(users)},
        owner: 'shop',
      })
      const kill = (step: string, when: string): void => {
        if (step === '${step}' && when === '${when}') process.kill(process.pid, 'SIGKILL')
      }
      const killed = (step) => async (...args) => {
        kill(step, 'before')
        const answer = await target[step](...args)
        kill(step, 'after')
        return answer
      }
      export default { ...${JSON.stringify(configOf({}))}, rotation: { DB: { target: { ...target, apply: killed('apply'), test: killed('test') } } } }`
  }

  it('takes a role that has a password alone, and refuses a wrong administrator without quoting', async () => {
    await makeUsers('single')
    await server.query('ALTER ROLE single RESET role')
    const { users, owner, ...target } = targetFor([]) as Record<string, unknown>
    expect([users, owner]).toEqual([[], 'shop'])
    const program = project({ DB: { generate: { kind: 'token' }, target: { ...target, role: 'single' } } })
    await program.run(['set', 'DB'], firstPassword)
    const denied = await runIn(program, ['rotate', 'DB'], { ROTATOR: 'canary-of-a-wrong-one' })
    expect(denied.code).toBe(77)
    assertClean(denied)
    const { code } = await runIn(program, ['rotate', 'DB'])
    expect(code).toBe(0)
    const password = (await program.run(['get', 'DB'])).stdout
    const client = new Client({ host: server.host, port: server.port, database: 'postgres', ssl: false, user: 'single', password })
    await client.connect()
    await client.end()
  })
})

describeWithServer('redis', 'rotate at Redis', () => {
  let server: RedisServer
  beforeAll(async () => void (server = await startRedis()))
  afterAll(() => server.stop())

  it('fails no login of a service, and withdraws the former password', async () => {
    await server.command(
      'ACL',
      'SETUSER',
      'rotator',
      'on',
      `>${rotatorPassword}`,
      '+role',
      '+watch',
      '+get',
      '+set',
      '+multi',
      '+exec',
      '+acl',
      '~finchat:fence:*',
    )
    await server.command('ACL', 'SETUSER', 'shop', 'on', `>${firstPassword}`, '+ping')
    const target = { kind: 'redis', urls: [server.url], administrator: 'rotator', password: { variable: 'ROTATOR' }, user: 'shop' }
    const program = project({ CACHE: { generate: { kind: 'token' }, target, every: '30d' } })
    await program.run(['set', 'CACHE'], firstPassword)
    await using secrets = (await loadConfig({ cwd: program.folder, env: { APP_KEY: program.key } })).secrets
    const logIn = async (value: SecretValue): Promise<void> => void (await server.commandAs(['shop', value.reveal()], 'PING'))
    const service = busyService(secrets, 'CACHE', logIn, (error) => String(error).includes('WRONGPASS'))
    for (let count = 0; count < 3; count++) {
      const outcome = await runIn(program, ['rotate', 'CACHE'])
      expect(outcome.code).toBe(0)
      assertClean(outcome)
    }
    expect((await runIn(program, ['rotate', '--due'])).stdout).toMatch(/^CACHE\tnotDue\t.+Z\tthe former value is withdrawn\n$/)
    expect((await service.stop()).failures).toEqual([])
    const former = (await program.run(['get', 'CACHE', '--version', 'previous'])).stdout
    await expect(server.commandAs(['shop', former], 'PING')).rejects.toThrow('WRONGPASS')
  })
})
