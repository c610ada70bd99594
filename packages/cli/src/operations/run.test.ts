import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { localConfig, makeProgram, type Outcome, type Program } from '../testing/run-program.ts'

const canary = 'canary-4711'
const secrets = { TOKEN: {}, DB_USER: {}, DB_PASSWORD: { name: 'prod/db', field: 'password' }, OPTIONAL: { required: false } }

/** A store with the declared secrets, but OPTIONAL. */
async function project(declared: object = secrets, env: Record<string, string> = {}): Promise<Program> {
  const program = makeProgram({ ...localConfig, fallbacks: [], secrets: declared }, { PATH: process.env['PATH'] ?? '', ...env })
  await program.run(['set', 'TOKEN', '--exact', '--force'], canary)
  await program.run(['set', 'DB_USER', '--exact'], 'ada-lovelace')
  await program.run(['set', 'prod/db', '--exact'], JSON.stringify({ user: 'ada', password: 'canary-of-the-database' }))
  return program
}

/** Runs Node.js with this script. */
const node = (script: string): string[] => ['--', process.execPath, '-e', script]

async function variables(program: Program, ...flags: string[]): Promise<Record<string, string>> {
  const { stdout } = await program.run(['run', '--no-redact', ...flags, ...node('console.log(JSON.stringify(process.env))')])
  return JSON.parse(stdout) as Record<string, string>
}

describe('a command that is run', () => {
  it('has the declared secrets in its environment, by their own names', async () => {
    const { TOKEN, DB_USER, DB_PASSWORD, ...others } = await variables(await project())
    expect([TOKEN, DB_USER, DB_PASSWORD]).toEqual([canary, 'ada-lovelace', 'canary-of-the-database'])
    expect(others).not.toHaveProperty('OPTIONAL')
  })

  it.each(['0', '0.5', '86401', '1e3'])('is not started with --interval %s, which no watch takes', async (interval) => {
    const program = await project()
    const script = node("require('node:fs').writeFileSync('started', '')")
    const outcome = await program.run(['run', '--on-rotation', 'restart', '--interval', interval, ...script])
    expect(outcome).toMatchObject({ code: 64, stderr: expect.stringContaining('--interval: it is no number of seconds from 1 to 86400') })
    expect(readdirSync(program.folder)).not.toContain('started')
  })

  it.each([
    ['--on-rotation signal:SIGHUP', 'a signal of --on-rotation needs Linux or macOS', 'use --on-rotation restart'],
    ['--sealed', '--sealed needs Linux or macOS', 'loadConfig()'],
  ])('is not started on Windows with %s, which has no such thing', async (flags, problem, remedy) => {
    const program = await project()
    vi.spyOn(process, 'platform', 'get').mockReturnValue('win32')
    onTestFinished(() => void vi.restoreAllMocks())
    const outcome = await program.run(['run', ...flags.split(' '), ...node("require('node:fs').writeFileSync('started', '')")])
    expect(outcome).toMatchObject({ code: 64, stderr: expect.stringContaining(problem) })
    expect(outcome.stderr).toContain(remedy)
    expect(readdirSync(program.folder)).not.toContain('started')
  })

  it('inherits the rest of the environment, without the credentials of the stores', async () => {
    const credentials = ['FINCHAT_KUBERNETES_TOKEN', 'FINCHAT_VAULT_TOKEN', 'FINCHAT_AUDITOR_KEY']
    const env = { LOG_LEVEL: 'debug', ...Object.fromEntries(credentials.map((name) => [name, 'canary'])) }
    const seen = await variables(await project(secrets, env))
    expect(seen).toMatchObject({ LOG_LEVEL: 'debug', NO_COLOR: '1' })
    for (const name of ['APP_KEY', ...credentials]) expect(seen).not.toHaveProperty(name)
  })

  it('does not inherit the password of an administrator, by which secrets are rotated', async () => {
    const target = { kind: 'redis', urls: ['rediss://cache.test'], administrator: 'admin', user: 'app', password: { variable: 'ADMIN' } }
    const program = makeProgram({ secrets: { TOKEN: {} }, rotation: { TOKEN: { target } } }, { TOKEN: canary, ADMIN: 'canary-admin' })
    expect(await variables(program)).not.toHaveProperty('ADMIN')
    expect(await variables(program, '--keep-credentials')).toHaveProperty('ADMIN')
  })

  it('keeps the credentials, if it is to read the stores itself', async () => {
    const program = await project()
    expect(await variables(program, '--keep-credentials')).toMatchObject({ APP_KEY: program.key })
  })

  it('is started, and redacted, where there is no folder for temporary files', async () => {
    const program = await project()
    vi.stubEnv('TMPDIR', join(program.folder, 'nope'))
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(await program.run(['run', ...node('console.log(process.env.TOKEN)')])).toMatchObject({ code: 0, stdout: '[redacted TOKEN]\n' })
  })

  it('inherits nothing but the basics with --pristine', async () => {
    const seen = await variables(await project(secrets, { LOG_LEVEL: 'debug', LC_ALL: 'C' }), '--pristine')
    expect(Object.keys(seen).toSorted()).toEqual(['DB_PASSWORD', 'DB_USER', 'LC_ALL', 'NO_COLOR', 'PATH', 'TOKEN'])
  })

  it('does not see an inherited variable in place of a secret that the stores do not have', async () => {
    expect(await variables(await project(secrets, { OPTIONAL: 'from the shell' }))).not.toHaveProperty('OPTIONAL')
  })

  it('does not inherit a declared secret that --only does not choose', async () => {
    const env = { TOKEN: 'canary from the shell', DB_USER: 'ada', PATH: process.env['PATH'] ?? '' }
    const program = makeProgram({ secrets: { TOKEN: {}, DB_USER: {} } }, env)
    expect(await variables(program, '--only', 'DB_*')).toMatchObject({ DB_USER: 'ada' })
    expect(await variables(program, '--only', 'DB_*')).not.toHaveProperty('TOKEN')
  })

  it.each([
    [['--only', 'TOKEN'], ['TOKEN']],
    [
      ['--only', 'DB_*'],
      ['DB_PASSWORD', 'DB_USER'],
    ],
    [
      ['--only', 'DB_USER', '--only', 'TOKEN'],
      ['DB_USER', 'TOKEN'],
    ],
  ])('has what %j chooses', async (flags, names) => {
    const seen = await variables(await project(), '--pristine', ...flags)
    expect(
      Object.keys(seen)
        .filter((name) => name in secrets)
        .toSorted(),
    ).toEqual(names)
  })

  it.each([
    ['--interval', '0.5', 'from 1 to 86400'],
    ['--interval', '86401', 'from 1 to 86400'],
    ['--kill-after', '0', 'from 0.001 to 86400'],
  ])('is not started for %s %s', async (flag, value, why) => {
    const { code, stderr } = await (await project()).run(['run', '--on-rotation', 'restart', flag, value, ...node('1')])
    expect([code, stderr]).toEqual([64, expect.stringContaining(`${flag}: it is no number of seconds ${why}`)])
  })

  it('gets its arguments as they are, with its own flags', async () => {
    const { stdout } = await (
      await project()
    ).run(['run', ...node('console.log(process.argv.slice(1).join())'), '--', '--json', '-x', 'a b'])
    expect(stdout).toBe('--json,-x,a b\n')
  })

  it('reads what is piped in', async () => {
    const { stdout } = await (await project()).run(['run', ...node('process.stdin.pipe(process.stdout)')], 'from a pipe')
    expect(stdout).toBe('from a pipe')
  })

  it.each([0, 1, 7, 66, 255])('ends with its exit code %i', async (code) => {
    expect((await (await project()).run(['run', ...node(`process.exit(${code})`)])).code).toBe(code)
  })

  it('ends with 128 and the number of the signal that killed it', async () => {
    expect((await (await project()).run(['run', ...node("process.kill(process.pid, 'SIGKILL')")])).code).toBe(137)
  })
})

describe('the output of a command', () => {
  it('has no value in a pipe, on either stream, in any form', async () => {
    const script = `
      const { TOKEN, DB_PASSWORD } = process.env
      process.stdout.write(TOKEN.slice(0, 5)); process.stdout.write(TOKEN.slice(5) + '\\n')
      console.log(JSON.stringify({ DB_PASSWORD }), encodeURIComponent(TOKEN), Buffer.from(TOKEN).toString('hex'))
      console.error(Buffer.from('user:' + DB_PASSWORD).toString('base64'))`
    const { stdout, stderr } = await (await project()).run(['run', ...node(script)])
    expect(stdout).toBe('[redacted TOKEN]\n{"DB_PASSWORD":"[redacted DB_PASSWORD]"} [redacted TOKEN] [redacted TOKEN]\n')
    expect(stderr).toMatch(/^\S{7}\[redacted DB_PASSWORD\]\S?=*\n$/)
  })

  it('is all there, however much it is', async () => {
    const { stdout } = await (await project()).run(['run', ...node("process.stdout.write('x'.repeat(5_000_000) + process.env.TOKEN)")])
    expect(stdout.length).toBe(5_000_000 + '[redacted TOKEN]'.length)
  })

  it('is without the parts of a value that a program may show alone', async () => {
    const declared = { DATABASE_URL: { type: 'url' }, DB: { type: 'json' }, OTHER: {} }
    const program = makeProgram({ ...localConfig, fallbacks: [], secrets: declared }, { PATH: process.env['PATH'] ?? '' })
    const url = 'postgres://shop:canary%2Fof%20a%20url@db.test/shop'
    await program.run(['set', 'DATABASE_URL', '--exact'], url)
    await program.run(['set', 'DB', '--exact'], JSON.stringify({ username: 'shop', nested: { password: 'canary-of-json' }, pin: 'short' }))
    await program.run(['set', 'OTHER', '--exact'], 'amqp://mq:canary-untyped@mq.test')
    const script = `const { DATABASE_URL, DB, OTHER } = process.env
      console.log(new URL(DATABASE_URL).password, decodeURIComponent(new URL(DATABASE_URL).password), new URL(DATABASE_URL).host)
      console.log(JSON.parse(DB).nested.password, JSON.parse(DB).username, JSON.parse(DB).pin)
      console.log(new URL(OTHER).password, DATABASE_URL)`
    for (const sealed of [[], ['--sealed']])
      expect(await program.run(['run', ...sealed, '--', process.execPath, '--conditions=@finchat/source', '-e', script])).toEqual({
        code: 0,
        stdout: `[redacted DATABASE_URL] [redacted DATABASE_URL] db.test\n[redacted DB] shop short\n[redacted OTHER] [redacted DATABASE_URL]\n`,
        stderr: 'warning: too short to redact: a part of DB\n',
      })
  })

  it('is shown on a terminal, unless --redact is given', async () => {
    const program = await project()
    const script = node('console.log(process.env.TOKEN)')
    expect((await program.show(['run', ...script])).stdout).toBe(`${canary}\n`)
    expect((await program.show(['run', '--redact', ...script])).stdout).toBe('[redacted TOKEN]\n')
  })

  it('shows values that are too short to be hidden, and says which', async () => {
    const program = await project({ FLAG: {} })
    await program.run(['set', 'FLAG', '--exact'], 'true')
    const { stdout, stderr } = await program.run(['run', '--redact', ...node('console.log(process.env.FLAG)')])
    expect([stdout, stderr]).toEqual(['true\n', 'warning: too short to redact: FLAG\n'])
  })
})

describe('nothing is started', () => {
  const marker = "require('node:fs').writeFileSync('started', '')"

  async function refused(program: Program, args: readonly string[]): Promise<Outcome> {
    const outcome = await program.run(args)
    expect(readdirSync(program.folder)).not.toContain('started')
    expect(outcome.stdout).toBe('')
    expect(outcome.stderr).toMatch(/^error: the command was not started\n/)
    expect(outcome.stderr).not.toContain('canary')
    return outcome
  }

  it('if secrets are missing or not as declared, which are all named', async () => {
    const program = await project({ TOKEN: { type: 'integer' }, ABSENT: {}, OTHER: {} })
    const { code, stderr } = await refused(program, ['run', ...node(marker)])
    expect(code).toBe(66)
    for (const line of ['TOKEN: wrong', 'ABSENT: missing', 'OTHER: missing']) expect(stderr).toContain(line)
  })

  it('if a value is no text, or holds a NUL', async () => {
    const program = await project({ TOKEN: {} })
    await program.run(['set', 'TOKEN', '--exact', '--force'], Buffer.from([0xff, 0xfe, 1, 2]))
    expect((await refused(program, ['run', ...node(marker)])).stderr).toContain('TOKEN: wrong: ')
    await program.run(['set', 'TOKEN', '--exact'], Buffer.from('canary\0x'))
    expect((await refused(program, ['run', ...node(marker)])).stderr).toContain('the value of TOKEN is not text')
  })

  it('if a declared name is no name of a variable', async () => {
    const { code, stderr } = await refused(await project({ 'prod/db': {} }), ['run', ...node(marker)])
    expect([code, stderr]).toEqual([64, expect.stringContaining('"name": "prod/db"')])
  })

  it.each<[string, string[], string]>([
    ['no command is given', ['run'], 'no command is given'],
    ['a misspelt name is chosen', ['run', '--only', 'TOKN', ...node(marker)], 'did you mean TOKEN?'],
    ['a glob chooses nothing', ['run', '--only', 'X_*', ...node(marker)], 'declares no such secret'],
  ])('if %s', async (_, args, text) => {
    const { code, stderr } = await refused(await project(), args)
    expect([code, stderr]).toEqual([64, expect.stringContaining(text)])
  })

  it('if nothing is declared', async () => {
    const { stderr } = await refused(makeProgram(), ['run', ...node(marker)])
    expect(stderr).toContain('the configuration declares no secrets')
    expect(stderr).toContain('or write each by `finchat-secrets set NAME --declare`')
  })

  it.each([
    ['does not exist', 'no-such-command-of-ours', 127],
    ['may not be executed', 'finchat-secrets.config.json', 126],
  ])('if the command %s, and its arguments are not quoted', async (_, command, code) => {
    const program = await project()
    const path = command.includes('.') ? join(program.folder, command) : command
    const outcome = await refused(program, ['run', '--', path, 'canary-argument'])
    expect(outcome.code).toBe(code)
  })
})
