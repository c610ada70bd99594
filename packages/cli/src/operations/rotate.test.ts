import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { stageSecret } from '@finchat/secrets-core/staging'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadConfig } from '../config/load-config.ts'
import { deadlineMs } from '../rotation/rotation-call.ts'
import { localConfig, makeProgram, type Program } from '../testing/run-program.ts'

const first = 'canary-4711-first'
const projects: Program[] = []
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  for (const { folder } of projects.splice(0)) rmSync(folder, { recursive: true })
})

const local = { ...localConfig, local: { ...localConfig.local, keepVersions: 'all' } }

/** A project whose store has the secret DB. */
async function project(rotation: object = {}, env: Record<string, string> = {}): Promise<Program> {
  const program = makeProgram({ ...local, rotation }, env)
  projects.push(program)
  await program.run(['set', 'DB'], first)
  return program
}

const valueIn = async ({ run }: Program, name = 'DB'): Promise<string> => (await run(['get', name])).stdout

describe('rotate', () => {
  it('makes a new value current, and shows neither', async () => {
    const program = await project()
    const { code, stdout, stderr } = await program.run(['rotate', 'DB', '--generate', 'token', '--bytes', '24'])
    const value = await valueIn(program)
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: "DB is rotated as version 2 at 'local'\n" })
    expect(value).toHaveLength(32)
    expect((await program.run(['get', 'DB', '--version', 'previous'])).stdout).toBe(first)
    const files = readdirSync(program.folder).map((name) => readFileSync(join(program.folder, name), 'latin1'))
    expect(files.filter((content) => content.includes(value) || content.includes(first))).toEqual([])
  })

  it.each([[[]], [['--retire']]])('names the secret that a misspelt name means, with %j', async (flags) => {
    const program = await project({ DB: {} })
    const refused = await program.run(['rotate', 'db', ...flags])
    expect(refused).toMatchObject({ code: 64, stderr: expect.stringContaining('did you mean DB?') })
    const other = await program.run(['rotate', 'SMTP_PASSWORD', ...flags])
    expect(other).toMatchObject({ code: 64, stderr: expect.not.stringContaining('did you mean') })
  })

  it('begins its deadline when it has the value: a person may take long at the prompt', async () => {
    const program = await project()
    const timeout = vi.spyOn(AbortSignal, 'timeout')
    const deadlines = (): number => timeout.mock.calls.filter(([ms]) => ms === deadlineMs).length
    const before: number[] = []
    async function* typed(): AsyncGenerator<string> {
      before.push(deadlines())
      yield 'canary-4711-second'
      before.push(deadlines())
    }
    expect((await program.run(['rotate', 'DB', '--value-from-stdin'], typed())).code).toBe(0)
    expect([before, deadlines()]).toEqual([[0, 0], 1])
  })

  it.each([
    [['--generate', 'password'], /^[A-Za-z0-9]{32}$/],
    [['--generate', 'password', '--length', '50'], /^[A-Za-z0-9]{50}$/],
    [['--generate', 'uuid'], /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
    [['--generate', 'keyPair'], /^-----BEGIN PRIVATE KEY-----\n/],
    [[], /^[0-9a-f]{40}$/],
  ])('makes the value as %j says, over the configuration', async (flags, form) => {
    const program = await project({ DB: { generate: { kind: 'token', bytes: 20, encoding: 'hex' } } })
    expect((await program.run(['rotate', 'DB', ...flags])).code).toBe(0)
    expect(await valueIn(program)).toMatch(form)
  })

  it('takes a value from a pipe, and prints JSON', async () => {
    const program = await project()
    const { code, stdout, stderr } = await program.run(['rotate', 'DB', '--value-from-stdin', '--json'], 'canary-4711-second')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ name: 'DB', outcome: 'rotated', provider: 'local', version: 2 })
    expect(stdout).not.toContain('canary')
    expect(await valueIn(program)).toBe('canary-4711-second')
    expect((await program.run(['rotate', 'DB', '--value-from-stdin'], '')).code).toBe(64)
  })

  it('discards what was staged once that is confirmed, and leaves the current value', async () => {
    const program = await project()
    const { secrets } = await loadConfig({ cwd: program.folder, env: { APP_KEY: program.key } })
    await stageSecret(secrets, 'DB', 'canary-4711-staged')
    await secrets.close()
    expect(await program.run(['rotate', 'DB', '--discard'])).toMatchObject({ code: 64, stderr: expect.stringContaining('--yes') })
    expect((await program.run(['get', 'DB', '--version', 'pending'])).stdout).toBe('canary-4711-staged')
    const { code, stdout, stderr } = await program.run(['rotate', 'DB', '--discard', '--yes'])
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toMatch(/^what was staged for DB.* is discarded at 'local'; the current value stays\n$/)
    expect([(await program.run(['get', 'DB', '--version', 'pending'])).code, await valueIn(program)]).toEqual([66, first])
    expect(await program.run(['rotate', 'DB', '--discard', '--yes', '--json'])).toMatchObject({
      code: 0,
      stdout: '{"name":"DB","outcome":"nothing"}\n',
    })
    expect((await program.run(['rotate', '--due', '--discard'])).code).toBe(64)
  })

  it('discards nothing that a target may have, without --force', async () => {
    const program = await project({ DB: { target: { kind: 'signingKeys' } } })
    const { secrets } = await loadConfig({ cwd: program.folder, env: { APP_KEY: program.key } })
    await stageSecret(secrets, 'DB', 'canary-4711-staged')
    await secrets.close()
    const refused = await program.run(['rotate', 'DB', '--discard', '--yes'])
    expect(refused).toMatchObject({ code: 64, stderr: expect.stringContaining('finish the rotation by finchat-secrets rotate DB') })
    expect((await program.run(['get', 'DB', '--version', 'pending'])).stdout).toBe('canary-4711-staged')
    expect((await program.run(['rotate', 'DB', '--discard', '--yes', '--force'])).code).toBe(0)
    expect(await valueIn(program)).toBe(first)
  })

  it('renews a ring of signing keys whose first value keygen made', async () => {
    const program = await project({ JWT: { target: { kind: 'signingKeys', algorithm: 'ES256' } } })
    const { stdout: ring, stderr } = await program.run(['keygen', '--signing-keys', 'ES256'])
    expect([JSON.parse(ring), stderr]).toMatchObject([{ keys: [{ alg: 'ES256' }, { alg: 'ES256' }] }, ''])
    await program.run(['set', 'JWT'], ring)
    expect(await program.run(['rotate', 'JWT'])).toMatchObject({ code: 0, stderr: expect.stringContaining('JWT is rotated') })
    expect(await valueIn(program, 'JWT')).not.toBe(ring.trimEnd())
    expect((await program.run(['keygen', '--signing-keys', 'ES256', '--age'])).code).toBe(64)
    expect((await program.run(['keygen', '--signing-keys', 'HS256'])).code).toBe(64)
  })

  it('changes only the password of a document', async () => {
    const program = await project()
    await program.run(['set', 'DOC'], '{"username":"ada","password":"old"}')
    await program.run(['rotate', 'DOC', '--generate', 'token'])
    expect((await program.run(['get', 'DOC', '--field', 'username'])).stdout).toBe('ada')
    expect((await program.run(['get', 'DOC', '--field', 'password'])).stdout).toMatch(/^.{43}$/)
  })

  it('finishes what another rotation has begun, and never takes its value for the given one', async () => {
    const program = await project()
    const { secrets } = await loadConfig({ cwd: program.folder, env: { APP_KEY: program.key } })
    await stageSecret(secrets, 'DB', 'canary-4711-staged')
    await secrets.close()
    const { code, stderr } = await program.run(['rotate', 'DB', '--value-from-stdin'], 'canary-4711-given')
    expect(code).toBe(70)
    expect(stderr).toContain('the given value is not stored: a rotation that was broken off was finished first (VERSION_CONFLICT)')
    expect(stderr).not.toContain('canary')
    expect(await valueIn(program)).toBe('canary-4711-staged')
    expect((await program.run(['rotate', 'DB', '--value-from-stdin'], 'canary-4711-given')).code).toBe(0)
    expect(await valueIn(program)).toBe('canary-4711-given')
  })

  it.each([
    [['rotate']],
    [['rotate', '--status']],
    [['rotate', 'DB']],
    [['rotate', 'DB', '--due']],
    [['rotate', 'DB', '--status', '--retire']],
    [['rotate', 'DB', '--generate', 'token', '--value-from-stdin']],
    [['rotate', 'DB', '--generate', 'token', '--length', '9']],
    [['rotate', 'DB', '--generate', 'password', '--bytes', '9']],
    [['rotate', 'DB', '--status', '--generate', 'token']],
    [['rotate', 'DB', '--retire']],
    [['rotate', '--due']],
    [['rotate', 'DB', '--generate', 'canary']],
    [['rotate', 'DB', '--generate', 'token', '--grace', 'canary']],
    [['rotate', 'DB', '--generate', 'token', '--bytes', '0']],
    [['rotate', 'a/../b', '--generate', 'token']],
  ])('refuses %j, and changes nothing', async (args) => {
    const program = await project()
    const { code, stdout, stderr } = await program.run(args)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toMatch(/^error: .+\nwhy: {3}.+\nfix: {3}.+\n$/)
    expect(stderr).not.toMatch(/canary|undefined/)
    expect(await valueIn(program)).toBe(first)
  })

  it.each([
    [{ kind: 'token', bytes: 8 }, '`bytes`'],
    [{ kind: 'password', length: 8 }, 'fewer than 2^128'],
  ])('refuses a weak generator: %j', async (generate, why) => {
    const { code, stderr } = await (await project({ DB: { generate } })).run(['rotate', 'DB'])
    expect(code).toBe(70)
    expect(stderr).toContain(why)
  })

  it('refuses a new value that its declaration forbids, before anything is staged', async () => {
    const secrets = { URL: { name: 'DB', type: 'url' }, DOC_PASSWORD: { name: 'DOC', field: 'password', minLength: 60 } }
    const program = makeProgram({ ...local, secrets, rotation: { DB: { every: '1d', generate: { kind: 'uuid' } } } })
    projects.push(program)
    await program.run(['set', 'URL'], 'https://canary.test')
    await program.run(['set', 'DOC', '--force'], '{"username":"ada","password":"canary"}')
    const refused: [string[], string][] = [
      [['DB'], 'URL: it is no URL (type url)'],
      [['URL', '--generate', 'token'], 'URL: it is no URL (type url)'],
      [['DOC', '--generate', 'password'], 'DOC_PASSWORD: it is shorter than 60 characters (minLength)'],
      [['DOC_PASSWORD', '--generate', 'password'], 'DOC_PASSWORD: it is shorter than 60 characters (minLength)'],
    ]
    for (const [args, why] of refused) {
      const { code, stdout, stderr } = await program.run(['rotate', ...args])
      expect([code, stdout, stderr]).toEqual([64, '', expect.stringContaining(why)])
      expect(stderr).not.toContain('canary')
    }
    const given = await program.run(['rotate', 'URL', '--value-from-stdin'], 'canary-no-url')
    expect([given.code, given.stderr.includes('canary')]).toEqual([64, false])
    expect((await program.run(['versions', 'URL'])).stdout).toMatch(/^1\tcurrent\t[^\n]+\n$/)
    vi.useFakeTimers({ now: Date.now() + 172_800_000, toFake: ['Date'] })
    const due = await program.run(['rotate', '--due'])
    expect([due.code, due.stdout]).toEqual([64, expect.stringMatching(/^DB\tfailed, overdue\t.*no URL/)])
    expect((await program.run(['rotate', 'URL', '--generate', 'uuid', '--force'])).code).toBe(0)
    expect(await valueIn(program, 'URL')).toHaveLength(36)
  })

  it('needs a store that can stage a version', async () => {
    const program = makeProgram({}, { DB: first })
    projects.push(program)
    const { code, stderr } = await program.run(['rotate', 'DB', '--generate', 'token'])
    expect(code).toBe(70)
    expect(stderr).toContain('DB was not rotated')
  })

  it('tells a secret that does not exist', async () => {
    expect((await (await project()).run(['rotate', 'NOPE', '--generate', 'token'])).code).toBe(66)
  })
})

describe('a grace period', () => {
  it.each([['--grace', '1h'], ['--when-unused']])('of a store alone is refused, and nothing is rotated: %s', async (...flags) => {
    const program = await project()
    const { code, stdout, stderr } = await program.run(['rotate', 'DB', '--generate', 'token', ...flags])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(`why:   ${flags[0]} needs a target where the former value goes on working`)
    expect(stderr).toContain('--version previous')
    expect(await valueIn(program)).toBe(first)
  })

  it('of none may be given', async () => {
    expect((await (await project()).run(['rotate', 'DB', '--generate', 'token', '--grace', '0'])).code).toBe(0)
  })

  it('that the configuration names without such a target is told, also when secrets are due', async () => {
    const program = await project({ DB: { every: '30d', graceSeconds: 60, whenUnused: true } })
    const warnings = ['graceSeconds', 'whenUnused'].map(
      (setting) => `warning: ${setting} of DB has no effect: at its target the former value does not go on working\n`,
    )
    for (const args of [['DB'], ['--due']]) {
      const { code, stderr } = await program.run(['rotate', ...args])
      expect([code, stderr.startsWith(warnings.join(''))]).toEqual([0, true])
    }
  })
})

describe('rotate at a target', () => {
  const server = { kind: 'postgres', host: '127.0.0.1', port: 1, database: 'x', tls: false, administrator: 'rotator', role: 'app' }

  it('reads its password first, so that nothing is staged without it', async () => {
    const program = await project({ DB: { target: { ...server, password: { variable: 'ROTATOR' } } } })
    const { code, stderr } = await program.run(['rotate', 'DB'])
    expect(code).toBe(77)
    expect(stderr).toContain('rotation.DB.target.password is in the variable ROTATOR, which is not set')
  })

  it('tells that it cannot be reached, and shows neither password', async () => {
    const program = await project({ DB: { target: { ...server, password: { variable: 'ROTATOR' } } } }, { ROTATOR: 'canary-4711-rotator' })
    const { code, stderr } = await program.run(['rotate', 'DB'])
    expect(code).toBe(69)
    expect(stderr).not.toContain('canary')
    expect(await valueIn(program)).toBe(first)
  })

  it.each(['redis://canary:canary@127.0.0.1:1', 'https://canary', 'canary'])('refuses the address %s, without quoting it', async (url) => {
    const target = { kind: 'redis', urls: [url], administrator: 'rotator', password: { variable: 'ROTATOR' }, user: 'app' }
    const { code, stderr } = await (await project({ DB: { target } }, { ROTATOR: 'x' })).run(['rotate', 'DB'])
    expect(code).toBe(70)
    expect(stderr).toContain('rotation.DB.target.urls')
    expect(stderr).not.toContain('canary')
  })

  it('rotates a ring of signing keys', async () => {
    const program = await project({ RING: { target: { kind: 'signingKeys', algorithm: 'ES256' } } })
    const { newKeyRing } = await import('@finchat/secrets-rotation/signing-keys')
    await program.run(['set', 'RING'], await newKeyRing('ES256'))
    const before = JSON.parse(await valueIn(program, 'RING')) as { signing: string }
    expect((await program.run(['rotate', 'RING'])).code).toBe(0)
    const after = JSON.parse(await valueIn(program, 'RING')) as { signing: string; keys: { kid: string }[] }
    expect(after.signing).not.toBe(before.signing)
    expect(after.keys.map(({ kid }) => kid)).toContain(before.signing)
  })
})

describe('rotate with a configuration that is a program', () => {
  /** Its target keeps two passwords in a file, as a server would. */
  async function withOwnTarget(graceSeconds: number): Promise<{ program: Program; config: string; passwords: () => string[] }> {
    const program = await project()
    const [config, server] = ['own.config.mts', 'server.json'].map((name) => join(program.folder, name)) as [string, string]
    const rotation = pathToFileURL(fileURLToPath(new URL('../../../rotation/src/index.ts', import.meta.url))).href
    writeFileSync(server, JSON.stringify([first]))
    writeFileSync(
      config,
      `import { readFileSync, writeFileSync } from 'node:fs'
       import { functionTarget } from '${rotation}'
       const read = (): string[] => JSON.parse(readFileSync('${server}', 'utf8'))
       const write = (passwords: string[]): void => writeFileSync('${server}', JSON.stringify(passwords))
       const target = functionTarget({
         apply: async (value) => write([...read().slice(-1), value.reveal()]),
         test: async (value) => (read().includes(value.reveal()) ? 'accepted' : 'refused'),
         retire: async (old) => write(read().filter((password) => password !== old.reveal())),
       })
       export default { ...${JSON.stringify(local)}, rotation: { DB: { target, generate: () => 'made-by-' + Math.random(), graceSeconds: ${graceSeconds} } } }`,
    )
    return { program, config, passwords: () => JSON.parse(readFileSync(server, 'utf8')) as string[] }
  }

  it('uses its target and its generator, and withdraws the former value', async () => {
    const { program, config, passwords } = await withOwnTarget(0)
    const { code, stderr } = await program.run(['rotate', 'DB', '--config', config])
    expect(code).toBe(0)
    expect(stderr).toMatch(
      /^DB is rotated as version 2 at 'local'\nthe former value may be withdrawn from .+: finchat-secrets rotate DB --retire\n$/,
    )
    expect(passwords()).toEqual([first, await valueIn(program)])
    const retired = await program.run(['rotate', 'DB', '--config', config, '--retire'])
    expect(retired).toEqual({ code: 0, stdout: '', stderr: 'DB: the former value is withdrawn\n' })
    expect(passwords()).toEqual([await valueIn(program)])
    expect((await program.run(['rotate', 'DB', '--config', config, '--retire'])).code).toBe(0)
  })

  it('keeps the former value for its grace period, unless it is forced', async () => {
    const { program, config, passwords } = await withOwnTarget(3_600)
    const run = async (...more: string[]): Promise<{ code: number; stderr: string }> =>
      program.run(['rotate', 'DB', '--config', config, ...more])
    expect((await run()).code).toBe(0)
    const early = await run('--retire')
    expect(early.code).toBe(1)
    expect(early.stderr).toMatch(/^DB: the former value may still be used; --force withdraws it now: not before 2\d+-/)
    const again = await run()
    expect(again.code).toBe(69)
    expect(again.stderr).toContain('rotate later, or pass --force')
    expect(passwords()).toContain(first)
    expect((await run('--retire', '--force')).code).toBe(0)
    expect(passwords()).not.toContain(first)
    expect((await run('--grace', '0', '--when-unused')).stderr).toMatch(/--when-unused|DB is rotated/)
  })

  it('tells by --status whether the former value may go', async () => {
    const { program, config } = await withOwnTarget(0)
    const status = async (...more: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
      program.run(['rotate', 'DB', '--status', '--config', config, ...more])
    expect(await status()).toEqual({ code: 0, stdout: '', stderr: 'DB: there is no former version with another value\n' })
    await program.run(['rotate', 'DB', '--config', config])
    expect(await status()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it is unknown whether the former version is in use: services keep no') as string,
    })
    expect(JSON.parse((await status('--json')).stdout)).toMatchObject({
      name: 'DB',
      verdict: 'unknown',
      gap: 'notKept',
      current: { version: 2 },
      previous: { version: 1 },
    })
  })
})

describe('rotate --due', () => {
  const day = 86_400_000

  it('rotates what is older than the configuration allows', async () => {
    const rotation = { DB: { every: '30d' }, OTHER: { every: '90d' }, BY_HAND: {} }
    const program = await project(rotation)
    await program.run(['set', 'OTHER'], first)
    expect((await program.run(['rotate', '--due'])).stdout).toMatch(/^DB\tnotDue\t2.+Z\t\nOTHER\tnotDue\t2.+Z\t\n$/)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31 * day })
    const { code, stdout } = await program.run(['rotate', '--due'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^DB\trotated\t2.+Z\t\nOTHER\tnotDue\t2.+Z\t\n$/)
    expect(await valueIn(program)).not.toBe(first)
    expect(await valueIn(program, 'OTHER')).toBe(first)
  })

  it('goes on behind one that fails, and ends with its exit code', async () => {
    const program = await project({ NOPE: { every: '30d' }, DB: { every: '30d' } })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31 * day })
    const { code, stdout } = await program.run(['rotate', '--due', '--json'])
    expect(code).toBe(66)
    expect(JSON.parse(stdout)).toMatchObject([
      { name: 'NOPE', status: 'failed', error: { code: 'NOT_FOUND' } },
      { name: 'DB', status: 'rotated', version: 2 },
    ])
  })

  it.each([
    [{ every: 'often' }, '`every` is no duration'],
    [{ every: '1d', graceSeconds: 86_400 }, '`graceSeconds` is longer than the time between two rotations'],
    [{ every: '1d', generate: { kind: 'password', length: 3 } }, 'fewer than 2^128 passwords'],
    [{ every: '1d', target: { kind: 'redis', urls: ['canary'], administrator: 'a', password: { variable: 'NOPE' }, user: 'u' } }, 'urls'],
  ])('goes on behind a policy that cannot be used, and names it: %j', async (wrong, why) => {
    const program = await project({ WRONG: wrong, DB: { every: '30d' } })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31 * day })
    const { code, stdout, stderr } = await program.run(['rotate', '--due'])
    expect(code).toBe(70)
    expect(stdout).toMatch(/^DB\trotated\t/m)
    const line = stdout.split('\n').find((each) => each.startsWith('WRONG\tfailed\t')) ?? ''
    expect([line, line]).toEqual([expect.stringContaining('rotation.WRONG'), expect.stringContaining(why)])
    expect(stderr).toMatch(/^WRONG: ./)
    expect(stdout + stderr).not.toContain('canary')
    expect(await valueIn(program)).not.toBe(first)
  })

  it('reports a policy that cannot be used in JSON, under the name of its secret', async () => {
    const program = await project({ WRONG: { every: '1d', graceSeconds: 86_400 } })
    const { code, stdout } = await program.run(['rotate', '--due', '--json'])
    const problem = 'rotation.WRONG: `graceSeconds` is longer than the time between two rotations'
    const error = { code: 'CONFIGURATION', reason: problem, remedy: 'rotate less often, or shorten it' }
    expect([code, JSON.parse(stdout)]).toEqual([70, [{ name: 'WRONG', status: 'failed', isOverdue: false, error }]])
  })
})
