import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { initAuditFolder } from '@finchat/secrets-audit'
import { describe, expect, it } from 'vitest'
import { localConfig, makeProgram, type Outcome, type Program } from '../testing/run-program.ts'

const canary = 'canary-4711'
const plan = ['migrate', '--from', 'env', '--to', 'local']
const apply = [...plan, '--apply']

const declaring = (secrets: object, local: object = {}): object => ({ ...localConfig, local: { ...localConfig.local, ...local }, secrets })

/** Name and state of each row. */
function statesIn({ stdout }: Outcome): Record<string, string> {
  return Object.fromEntries(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'))
      .map(([name = '', , state = '']) => [name, state]),
  )
}

function projectWith(env: Record<string, string>, local: object = {}): Program {
  return makeProgram(declaring(Object.fromEntries(Object.keys(env).map((name) => [name, {}])), local), env)
}

describe('the plan of a migration', () => {
  it('says of each secret what --apply would do, and writes nothing', async () => {
    const env = { NEW: canary, SAME: canary, OTHER: canary, GONE: canary }
    const program = makeProgram(declaring({ ...emptied(env), MISSING: {}, OPTIONAL: { required: false } }), env)
    await program.run(['set', 'SAME'], canary)
    await program.run(['set', 'OTHER'], 'canary-other')
    await program.run(['set', 'GONE'], canary)
    await program.run(['delete', 'GONE'])
    const outcome = await program.run(plan)
    expect(statesIn(outcome)).toEqual({
      NEW: 'new',
      SAME: 'same',
      OTHER: 'different',
      GONE: 'cannot be mapped',
      MISSING: 'cannot be mapped',
      OPTIONAL: 'absent',
    })
    expect(outcome.code).toBe(66)
    expect(outcome.stderr).toContain('env to local: 1 new, 1 same, 1 different, 1 absent, 2 cannot be mapped; nothing was written')
    expect(outcome.stderr).toContain('next: write what is new: finchat-secrets migrate --from env --to local --apply\n')
    expect(outcome.stdout + outcome.stderr).not.toContain('canary')
    expect((await program.run(['get', 'NEW', '--provider', 'local'])).code).toBe(66)
  })

  it('takes no variable for a secret that configures this program', async () => {
    const own = { FINCHAT_AUDITOR_KEY: canary, FINCHAT_DECOYS_KEY_KEYCHAIN: '', FINCHAT_SECRETS_CACHE_TTL: '60' }
    const { run } = makeProgram(localConfig, { TOKEN: canary, ...own })
    expect(statesIn(await run([...plan, '--only', '*']))).toEqual({ TOKEN: 'new', NO_COLOR: 'new' })
  })

  it('says what a declaration forbids, which --apply writes by --force alone', async () => {
    const secrets = { URL: { type: 'url' }, DB: { type: 'json' }, USER: { name: 'DB', field: 'username', minLength: 30 } }
    const env = { URL: canary, DB: `{"username":"${canary}"}` }
    const program = makeProgram({ ...declaring(secrets), fallbacks: [] }, env)
    writeFileSync(join(program.folder, '.env'), `URL=${canary}\n`)
    for (const args of [plan, apply, ['import', '--from', '.env', '--to', 'local', '--apply']]) {
      const { code, stdout, stderr } = await program.run(args)
      expect(code).toBe(1)
      expect(stdout).toContain('cannot be mapped\tURL: it is no URL (type url)')
      if (args[0] === 'migrate') expect(stdout).toContain('USER: it is shorter than 30 characters (minLength)')
      expect(stdout + stderr).not.toContain('canary')
    }
    expect((await program.run(['list'])).stdout).toBe('')
    expect(statesIn(await program.run([...apply, '--force']))).toEqual({ URL: 'written', DB: 'written' })
    expect(statesIn(await program.run(plan))).toEqual({ URL: 'same', DB: 'same' })
  })

  it('passes if all can be mapped', async () => {
    expect((await projectWith({ A: canary }).run(plan)).code).toBe(0)
  })

  it('says what the store cannot hold', async () => {
    const env = { BIG: canary.repeat(200_000), A: canary }
    const program = makeProgram(declaring(emptied(env), { names: { A: 'a' }, onlyNamed: true }), env)
    const outcome = await program.run(plan)
    expect(outcome.stdout).toContain("BIG\t\tcannot be mapped\t'local' has no place for this name")
    expect(outcome.code).toBe(1)
    const large = await projectWith({ BIG: canary.repeat(200_000) }).run(plan)
    expect(large.stdout).toBe('BIG\tBIG\tcannot be mapped\tthe value is too large\n')
    expect(large.code).toBe(1)
  })

  it('prints JSON without values', async () => {
    const { code, stdout } = await projectWith({ A: canary }).run([...plan, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      from: 'env',
      to: 'local',
      applied: false,
      interrupted: false,
      counts: { new: 1 },
      secrets: [{ name: 'A', path: 'A', state: 'new' }],
      left: [],
      next: ['write what is new: finchat-secrets migrate --from env --to local --apply'],
    })
  })

  it('draws a table on a terminal', async () => {
    const { stdout } = await projectWith({ A: canary }).show(plan)
    expect(stdout).toBe('name  path at local  state  reason\nA     A              new\n')
  })
})

function emptied(env: Record<string, string>): Record<string, object> {
  return Object.fromEntries(Object.keys(env).map((name) => [name, {}]))
}

describe('migrate --apply', () => {
  it('writes what is new, keeps what differs, and has nothing to do again', async () => {
    const program = projectWith({ A: canary, B: 'two\nlines\n', C: '' })
    await program.run(['set', 'B'], 'other')
    const first = await program.run(apply)
    expect(statesIn(first)).toEqual({ A: 'written', B: 'different', C: 'written' })
    expect(first.code).toBe(1) // B is not as the source has it
    expect((await program.run(['get', 'A', '--provider', 'local'])).stdout).toBe(canary)
    expect((await program.run(['get', 'B', '--provider', 'local'])).stdout).toBe('other')
    expect(statesIn(await program.run(apply))).toEqual({ A: 'same', B: 'different', C: 'same' })
    expect((await program.run(['versions', 'A'])).stdout.split('\n')).toHaveLength(2)
    expect(first.stdout + first.stderr).not.toContain('canary')
  })

  it('overwrites what differs with --force, as the next version', async () => {
    const program = projectWith({ A: canary })
    await program.run(['set', 'A'], 'other')
    expect(statesIn(await program.run([...apply, '--force']))).toEqual({ A: 'written' })
    expect((await program.run(['get', 'A', '--version', 'previous'])).stdout).toBe('other')
  })

  it('writes fields into one document, and keeps its others', async () => {
    const names = { USER: 'db#user', PASSWORD: 'db#password', HOST: 'db#host', DB: 'db' }
    const env = { USER: 'ada', PASSWORD: canary, HOST: 'h' }
    const program = projectWith(env, { names })
    await program.run(['set', 'DB'], '{"port":"5432","host":"h"}')
    const outcome = await program.run(apply)
    expect(outcome.stdout).toBe('USER\tdb#user\twritten\t\nPASSWORD\tdb#password\twritten\t\nHOST\tdb#host\tsame\t\n')
    const { stdout } = await program.run(['get', 'DB', '--provider', 'local'])
    expect(JSON.parse(stdout)).toEqual({ port: '5432', host: 'h', user: 'ada', password: canary })
  })

  it('writes again what was purged', async () => {
    const program = projectWith({ A: canary })
    await program.run(['set', 'A'], 'x')
    await program.run(['delete', 'A', '--purge', '--yes', '--provider', 'local'])
    expect(statesIn(await program.run(apply))).toEqual({ A: 'written' })
  })

  it('says of what left the source that the target has it', async () => {
    const program = projectWith({ A: canary })
    await program.run(apply)
    const later = makeProgram(declaring({ A: {} }, { path: join(program.folder, '.secrets.db') }), { APP_KEY: program.key })
    const outcome = await later.run(plan)
    expect(outcome).toMatchObject({ code: 0, stdout: 'A\tA\tabsent\tthe source does not have it, but the target has\n' })
  })

  it('writes an audit trail of both stores', async () => {
    const program = makeProgram({ ...declaring({ A: {} }), audit: { folder: 'trail' } }, { A: canary })
    const folder = join(program.folder, 'trail')
    await initAuditFolder(folder)
    expect(statesIn(await program.run(apply))).toEqual({ A: 'written' })
    const trail = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
      .join('')
    expect(trail).toContain('"store"')
    expect(trail).not.toContain(canary)
  })
})

describe('which secrets are moved', () => {
  it('are those of a .env file that the configuration declares; the others are named', async () => {
    const program = makeProgram(declaring({ TOKEN: {}, DB: { name: 'PASSWORD' }, URL: { name: 'prod/url' }, GONE: {} }))
    writeFileSync(join(program.folder, '.env'), `LOG_LEVEL=debug\nTOKEN=${canary}\nPASSWORD=x\nURL=u\nPORT=80\n`)
    const from = ['migrate', '--from', 'dotenv:.env', '--to', 'local']
    const outcome = await program.run([...from, '--apply'])
    expect(statesIn(outcome)).toEqual({ TOKEN: 'written', PASSWORD: 'written', 'prod/url': 'written' })
    expect(outcome.stderr).toContain('\nnot declared, left: LOG_LEVEL, PORT; move them with --only\n')
    expect(outcome.stderr).toContain('next: then remove from the file: TOKEN, PASSWORD, URL\n')
    expect(JSON.parse((await program.run([...from, '--json'])).stdout)).toMatchObject({ left: ['LOG_LEVEL', 'PORT'] })
    expect(statesIn(await program.run([...from, '--only', 'LOG_*']))).toEqual({ LOG_LEVEL: 'new' })
    const imported = await program.run(['import', '--from', '.env'])
    expect(statesIn(imported)).toEqual({ TOKEN: 'same', PASSWORD: 'same', 'prod/url': 'same' })
    expect(imported.stderr).toContain('not declared, left: LOG_LEVEL, PORT')
  })

  it('are none of a file that has nothing declared in it', async () => {
    const program = makeProgram(declaring({ TOKEN: {} }))
    writeFileSync(join(program.folder, '.env'), 'LOG_LEVEL=debug\n')
    const from = ['migrate', '--from', 'dotenv:.env', '--to', 'local']
    const { code, stderr } = await program.run(from)
    expect([code, stderr]).toEqual([64, expect.stringContaining('declares none of the names in the file')])
    expect(statesIn(await program.run([...from, '--only', '*']))).toEqual({ LOG_LEVEL: 'new' })
    writeFileSync(join(program.folder, '.env'), '# nothing\n')
    expect(await program.run(from)).toMatchObject({ code: 0, stdout: '' })
  })

  it('leave at a source on this machine what is not declared, by name', async () => {
    const program = makeProgram({ ...declaring({ A: {} }), mounted: { folder: 'mounted' } })
    mkdirSync(join(program.folder, 'mounted'))
    for (const name of ['A', 'B', 'C']) writeFileSync(join(program.folder, 'mounted', name), canary)
    const outcome = await program.run(['migrate', '--from', 'mounted', '--to', 'local'])
    expect(statesIn(outcome)).toEqual({ A: 'new' })
    expect(outcome.stderr).toContain('not declared, left: B, C; move them with --only\n')
    expect(statesIn(await program.run(['migrate', '--from', 'mounted', '--to', 'local', '--only', 'B']))).toEqual({ B: 'new' })
  })

  it('are all of a .env file where nothing is declared, which is said, or some', async () => {
    const program = makeProgram()
    writeFileSync(join(program.folder, '.env'), `A='${canary}'\nFINCHAT_B=b\nFINCHAT_C=c\n`)
    const from = ['migrate', '--from', 'dotenv:.env', '--to', 'local']
    const all = await program.run(from)
    expect(statesIn(all)).toEqual({ A: 'new', FINCHAT_B: 'new', FINCHAT_C: 'new' })
    expect(all.stderr).toContain('every name is taken, since the configuration declares none under "secrets"\n')
    expect(statesIn(await program.run([...from, '--only', 'FINCHAT_*']))).toEqual({ FINCHAT_B: 'new', FINCHAT_C: 'new' })
    const applied = await program.run([...from, '--only', 'A', '--apply'])
    expect(statesIn(applied)).toEqual({ A: 'written' })
    expect(applied.stderr).toContain('next: then remove from the file: A\n')
  })

  it('are none of a .env file with a line that dotenv would skip, such as the rest of a key', async () => {
    const program = makeProgram()
    writeFileSync(join(program.folder, '.env'), `A=-----BEGIN KEY-----\n${canary}\n# a remark\n-----END KEY-----\nB=1\n`)
    for (const args of [
      ['migrate', '--from', 'dotenv:.env', '--to', 'local'],
      ['import', '--from', '.env', '--only', 'B'],
    ]) {
      const { code, stdout, stderr } = await program.run([...args, '--apply'])
      expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
      expect(stderr).toContain('these lines of the input set no variable: 2, 4\n')
      expect(stderr).not.toContain(canary)
    }
    expect((await program.run(['list'])).stdout).toBe('')
  })

  it('are named, where nothing is declared; never the key of the store', async () => {
    const program = makeProgram(localConfig, { A: canary, AB: canary, FINCHAT_AUDIT_LINE: '' })
    expect((await program.run(plan)).code).toBe(64)
    expect(statesIn(await program.run([...plan, '--only', 'A']))).toEqual({ A: 'new' })
    expect(statesIn(await program.run([...plan, '--only', 'A*']))).toEqual({ A: 'new', AB: 'new' }) // nor APP_KEY
    const target = { kind: 'redis', urls: ['rediss://cache.test'], administrator: 'admin', user: 'app', password: { variable: 'ADMIN' } }
    const rotating = makeProgram({ ...localConfig, rotation: { A: { target } } }, { A: canary, ADMIN: 'canary-admin' })
    expect(statesIn(await rotating.run([...plan, '--only', 'A*']))).toEqual({ A: 'new' }) // nor what changes passwords
    expect((await program.run([...plan, '--only', 'FINCHAT_*'])).code).toBe(64)
    expect((await program.run([...plan, '--only', 'X*'])).code).toBe(64)
  })

  it('are read once under the name in the chain', async () => {
    const program = makeProgram(declaring({ URL: { name: 'DB', field: 'url' }, USER: { name: 'DB', field: 'user' } }), {
      DB: '{"url":"u","user":"ada"}',
    })
    expect(statesIn(await program.run(apply))).toEqual({ DB: 'written' })
  })

  it('come from a folder that can be listed', async () => {
    const program = makeProgram({ ...localConfig, mounted: { folder: '.', prefix: 'mounted-' } })
    writeFileSync(join(program.folder, 'mounted-A'), canary)
    const outcome = await program.run(['migrate', '--from', 'mounted', '--to', 'local', '--apply', '--only', 'A'])
    expect(statesIn(outcome)).toEqual({ A: 'written' })
    expect(statesIn(await program.run(['migrate', '--from', 'mounted', '--to', 'local', '--only', 'A*']))).toEqual({ A: 'same' })
  })

  it.each([
    [['--from', 'env', '--to', 'env'], 'the same'],
    [['--from', 'local', '--to', 'env'], "'env' cannot be written"],
    [['--from', 'nope', '--to', 'local'], '--from names no source'],
    [['--from', 'env', '--to', 'nope'], '--to names no provider'],
    [['--from', 'dotenv:nope', '--to', 'local'], 'is not there'],
    [['--from', 'env', '--to', 'vault'], 'vault.url'],
    [['--to', 'local'], 'see --help'],
  ])('are refused before anything is written: %j', async (args, reason) => {
    const { code, stderr } = await projectWith({ A: canary }).run(['migrate', ...args, '--apply'])
    expect(code === 64 || code === 70).toBe(true)
    expect(stderr).toContain(reason)
  })
})

describe('the next step', () => {
  it('is the same command, with what it chose, and can be copied into a shell', async () => {
    const program = makeProgram()
    writeFileSync(join(program.folder, '$(id).env'), 'AB=1\nB=2\n')
    const args = ['migrate', '--from', 'dotenv:$(id).env', '--to', 'local', '--config', 'finchat-secrets.config.json', '--only', 'A*']
    expect((await program.run(args)).stderr).toContain(
      "finchat-secrets migrate --from 'dotenv:$(id).env' --to local --config finchat-secrets.config.json --only 'A*' --apply\n",
    )
  })

  it('is to declare what `run` would not give, before it is removed', async () => {
    const program = makeProgram({ ...localConfig, secrets: { TOKEN: {}, DB: { name: 'PASSWORD' } } })
    writeFileSync(join(program.folder, '.env'), `TOKEN=${canary}\nPASSWORD=x\nLOG_LEVEL=debug\n`)
    const { stderr } = await program.run(['migrate', '--from', 'dotenv:.env', '--to', 'local', '--only', '*', '--apply'])
    expect(stderr).toContain('next: declare under "secrets", or else keep where they are, what run does not give yet: LOG_LEVEL\n')
  })

  it('is to remove the variables, once they are at the store', async () => {
    const { stderr } = await makeProgram(declaring({ TOKEN: {} }, {}), { TOKEN: canary }).run(apply)
    expect(stderr).toContain('next: see that the store suffices: finchat-secrets check --provider local\n')
    expect(stderr).toContain('next: then remove from the environment: TOKEN\n')
  })

  it('names variables as the environment has them', async () => {
    const config = { ...declaring({ TOKEN: {} }), env: { names: { TOKEN: 'LEGACY_TOKEN' } } }
    expect((await makeProgram(config, { LEGACY_TOKEN: canary }).run(apply)).stderr).toContain('from the environment: LEGACY_TOKEN\n')
  })

  it('is to let the application read a store that is not in its chain', async () => {
    const config = { ...declaring({ TOKEN: {} }), provider: 'env', fallbacks: [] }
    const { stderr } = await makeProgram(config, { TOKEN: canary }).run(apply)
    expect(stderr).toContain('next: let the application read it: "provider": "local", "fallbacks": ["env"] in the configuration')
    expect(stderr).toContain('FINCHAT_SECRETS_PROVIDER=local FINCHAT_SECRETS_FALLBACKS=env\n')
  })
})
