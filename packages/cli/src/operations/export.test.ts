import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Encrypter, generateHybridIdentity, generateIdentity, identityToRecipient } from 'age-encryption'
import { describe, expect, it } from 'vitest'
import { localConfig, makeProgram, type Program } from '../testing/run-program.ts'

const canary = 'canary-4711'
const values = { A: canary, B: `two\nlines 'and' "quotes" $(x) #`, C: '', D: 'é🔑' }

async function withValues(): Promise<Program> {
  const program = makeProgram(localConfig)
  for (const [name, value] of Object.entries(values)) if (value !== '') await program.run(['set', name, '--exact'], value)
  writeFileSync(join(program.folder, 'empty.env'), 'C=\n')
  await program.run(['import', '--from', 'empty.env', '--apply'])
  return program
}

/** What another store has after the import of a file. */
async function importedInto(program: Program, args: readonly string[], input = ''): Promise<Record<string, string>> {
  const other = { ...localConfig, local: { ...localConfig.local, path: 'other.db' } }
  writeFileSync(join(program.folder, 'finchat-secrets.config.json'), JSON.stringify(other))
  const { code, stderr } = await program.run(['import', '--apply', ...args], input)
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  const entries = Object.keys(values).map(async (name) => [name, (await program.run(['get', name, '--provider', 'local'])).stdout] as const)
  return Object.fromEntries(await Promise.all(entries))
}

describe('export and import', () => {
  it.each([
    ['secrets.env', 'dotenv'],
    ['secrets.json', 'json'],
    ['secrets.yaml', 'yaml'],
  ])('bring every value to another store, by the file %s', async (file) => {
    const program = await withValues()
    expect(await program.run(['export', '--output', file])).toEqual({
      code: 0,
      stdout: '',
      stderr: '4 secrets are written; only you may read the file\n',
    })
    expect(statSync(join(program.folder, file)).mode & 0o777).toBe(0o600)
    expect(await importedInto(program, ['--from', file])).toEqual(values)
  })

  it.each(['dotenv', 'json', 'yaml', 'k8s'])('bring every value through a pipe as %s', async (format) => {
    const program = await withValues()
    const { stdout, stderr } = await program.run(['export', '--format', format])
    expect(stderr).toBe('')
    expect(await importedInto(program, ['--from', '-', '--format', format], stdout)).toEqual(values)
  })

  it.each([
    ['X25519', generateIdentity],
    ['hybrid', generateHybridIdentity],
  ])('bring every value in an age file for an identity: %s', async (_, generate) => {
    const program = await withValues()
    const [identity, other] = [await generate(), await generate()]
    writeFileSync(join(program.folder, 'key.txt'), `# of a test\n${identity}\n`)
    const recipients = await Promise.all([identityToRecipient(other), identityToRecipient(identity)])
    const sealed = await program.run([
      'export',
      '--output',
      'secrets.env.age',
      '--inner',
      'dotenv',
      ...recipients.flatMap((each) => ['--recipient', each]),
    ])
    expect(sealed.code).toBe(0)
    expect(readFileSync(join(program.folder, 'secrets.env.age'), 'utf8')).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----\n/)
    expect(await importedInto(program, ['--from', 'secrets.env.age', '--identity', 'key.txt'])).toEqual(values)
  })
})

describe('export', () => {
  it('in an age file takes no line that sets no variable', async () => {
    const program = makeProgram(localConfig)
    const identity = await generateIdentity()
    const encrypter = new Encrypter()
    encrypter.addRecipient(await identityToRecipient(identity))
    writeFileSync(join(program.folder, 'key.txt'), identity)
    writeFileSync(join(program.folder, 'secrets.env.age'), await encrypter.encrypt(`A=1\nB="the first line"\n${canary}\n`))
    const { code, stderr } = await program.run(['import', '--from', 'secrets.env.age', '--identity', 'key.txt', '--apply'])
    expect([code, stderr]).toEqual([70, expect.stringContaining('sets no variable in line 3')])
    expect(stderr).not.toContain(canary)
    expect((await program.run(['list', '--json'])).stdout).not.toContain('A')
  })

  it('writes the names that the configuration declares, which an import takes back', async () => {
    const secrets = { STRIPE: { name: 'STRIPE_KEY' }, PASSWORD: { name: 'DB', field: 'password' }, DOC: { name: 'JSON', type: 'json' } }
    const program = makeProgram({ ...localConfig, secrets })
    await program.run(['set', 'STRIPE'], canary)
    await program.run(['set', 'DB'], '{"user":"u","password":"p-4711"}')
    await program.run(['set', 'DOC'], '{"a": 1}')
    const { stdout } = await program.run(['export', '--format', 'json'])
    expect(JSON.parse(stdout)).toEqual({ STRIPE: canary, DB: '{"user":"u","password":"p-4711"}', DOC: '{"a": 1}' })
    expect((await program.run(['export', '--format', 'dotenv', '--only', 'STRIPE'])).stdout).toBe(`STRIPE='${canary}'\n`)
    const back = await program.run(['import', '--from', '-', '--format', 'json', '--json'], stdout)
    const { secrets: rows } = JSON.parse(back.stdout) as { secrets: { name: string; state: string }[] }
    expect(rows.map(({ name, state }) => `${name} ${state}`).toSorted()).toEqual(['DB same', 'JSON same', 'STRIPE_KEY same'])
  })

  it('counts one secret as one', async () => {
    const program = await withValues()
    const { stderr } = await program.run(['export', '--output', 'one.json', '--only', 'A'])
    expect(stderr).toBe('1 secret is written; only you may read the file\n')
  })

  const unchanged = withValues()

  it('shows no value on a terminal, unless --reveal is given', async () => {
    const program = await withValues()
    const refused = await program.show(['export', '--format', 'json'])
    expect(refused).toMatchObject({ code: 64, stdout: '' })
    expect(refused.stderr).toContain('name a file by --output, or show them by --reveal')
    expect((await program.show(['export', '--format', 'json', '--reveal', '--only', 'A'])).stdout).toBe(`{\n  "A": "${canary}"\n}\n`)
  })

  it('overwrites a file only with --force, and leaves nothing beside it', async () => {
    const program = await withValues()
    const file = join(program.folder, 'x.json')
    writeFileSync(file, 'mine')
    const refused = await program.run(['export', '--output', 'x.json'])
    expect(refused.code).toBe(64)
    expect(readFileSync(file, 'utf8')).toBe('mine')
    expect((await program.run(['export', '--output', 'x.json', '--force'])).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toContain(canary)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(program.folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('warns where git would take what is plain, and only there', async () => {
    const program = makeProgram(localConfig, { PATH: process.env['PATH'] ?? '' })
    await program.run(['set', 'A'], canary)
    execFileSync('git', ['init', '--quiet', program.folder])
    writeFileSync(join(program.folder, '.gitignore'), '*.env\n')
    const warning = 'warning: git does not ignore x.json, which holds secrets in plain text: add it to .gitignore\n'
    expect((await program.run(['export', '--output', 'x.json'])).stderr).toContain(warning)
    expect((await program.run(['export', '--output', 'x.env'])).stderr).not.toContain('git')
    const recipient = await identityToRecipient(await generateIdentity())
    expect((await program.run(['export', '--output', 'x.json.age', '--recipient', recipient])).stderr).not.toContain('git')
  })

  it('replaces a link, and never writes through it', async () => {
    const program = await withValues()
    writeFileSync(join(program.folder, 'target'), 'mine')
    symlinkSync('target', join(program.folder, 'x.json'))
    expect((await program.run(['export', '--output', 'x.json'])).code).toBe(64)
    expect((await program.run(['export', '--output', 'x.json', '--force'])).code).toBe(0)
    expect(readFileSync(join(program.folder, 'target'), 'utf8')).toBe('mine')
  })

  it('writes what is declared; what is not required may be missing', async () => {
    const config = { ...localConfig, secrets: { A: {}, NOPE: { required: false } } }
    const program = makeProgram(config, { A: canary })
    expect((await program.run(['export', '--format', 'dotenv'])).stdout).toBe(`A='${canary}'\n`)
    const missing = await makeProgram({ ...localConfig, secrets: { NOPE: {} } }).run(['export', '--output', 'x.json'])
    expect(missing.code).toBe(66)
  })

  it('tells programs what it wrote, without values', async () => {
    const program = await withValues()
    const { stdout } = await program.run(['export', '--output', 'x.yaml', '--json'])
    expect(JSON.parse(stdout)).toEqual({ format: 'yaml', names: ['A', 'B', 'C', 'D'], degraded: [], stale: [] })
  })

  it('writes into no folder that is not there', async () => {
    const { code, stderr } = await (await unchanged).run(['export', '--output', 'no-such-folder/x.json'])
    expect([code, stderr]).toEqual([64, expect.stringContaining('its folder does not exist')])
  })

  it.each([
    [['--format', 'age'], 'needs a recipient'],
    [['--format', 'age', '--recipient', 'canary'], 'recipient 1 is none of age'],
    [['--format', 'json', '--recipient', 'age1'], 'has no recipients'],
    [['--output', 'x'], 'does not follow'],
    [['--format', 'k8s', '--secret-name', 'Canary'], 'no name of a Kubernetes object'],
    [['--format', 'json', '--only', 'X*'], 'matches no name'],
  ])('refuses %j', async (args, reason) => {
    const { code, stdout, stderr } = await (await unchanged).run(['export', ...args])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toMatch(/^error: .+\nwhy: {3}.+\nfix: {3}.+\n$/)
    expect(stderr).toContain(reason)
    expect(stderr).not.toContain('canary')
  })

  it('names what a format cannot hold, and writes no file', async () => {
    const program = makeProgram(localConfig)
    await program.run(['set', 'prod/db'], canary)
    await program.run(['set', 'BYTES'], Uint8Array.of(0xff))
    const { code, stderr } = await program.run(['export', '--output', '.env'])
    expect(code).toBe(64)
    expect(stderr).toContain('prod/db: it is no name of a variable')
    expect(stderr).toContain('BYTES: it is bytes')
    expect(readdirSync(program.folder)).not.toContain('.env')
  })
})

describe('import', () => {
  it('plans first, and writes nothing', async () => {
    const program = makeProgram()
    const { code, stdout } = await program.run(['import', '--from', '-', '--format', 'json'], `{"A":"${canary}"}`)
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'A\tA\tnew\t\n' })
    expect((await program.run(['get', 'A'])).code).toBe(66)
  })

  it.each([
    [['--from', '-'], 'does not follow'],
    [['--from', 'nope.json'], 'is not there'],
    [['--from', '-', '--format', 'json'], 'no JSON object'],
    [['--from', '/dev/zero', '--format', 'json'], 'is not a regular file'],
    [['--from', '.', '--format', 'json'], 'is not a regular file'],
    [['--from', 'x.age'], 'needs an identity'],
    [['--from', '-', '--format', 'age', '--identity', 'key'], 'not read from a pipe'],
    [['--from', '-', '--format', 'json', '--to', 'mounted'], "'mounted' cannot be written"],
  ])('refuses %j without quoting what it read', async (args, reason) => {
    const input = args.includes('mounted') ? `{"A":"${canary}"}` : canary
    const { code, stdout, stderr } = await makeProgram().run(['import', ...args, '--apply'], input)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(reason)
    expect(stderr).not.toContain('canary')
  })
})
