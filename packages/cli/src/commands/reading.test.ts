import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { localConfig, makeProgram, programIn } from '../testing/run-program.ts'

const value = 'canary-4711'

async function withToken(): Promise<ReturnType<typeof makeProgram>> {
  const program = makeProgram()
  await program.run(['set', 'TOKEN'], value)
  return program
}

describe('get', () => {
  it('pipes the exact bytes, with no newline added', async () => {
    const program = await withToken()
    expect(await program.run(['get', 'TOKEN'])).toEqual({ code: 0, stdout: value, stderr: '' })
  })

  it('masks on a terminal, by a mask of one length', async () => {
    const program = await withToken()
    expect(await program.show(['get', 'TOKEN'])).toEqual({
      code: 0,
      stdout: '••••••••  local, version 1\n',
      stderr: 'masked: --reveal shows it\n',
    })
    await program.run(['set', 'TOKEN'], 'x')
    expect((await program.show(['get', 'TOKEN'])).stdout).toBe('••••••••  local, version 2\n')
  })

  it('shows the value and a newline on a terminal with --reveal', async () => {
    const program = await withToken()
    expect(await program.show(['get', 'TOKEN', '--reveal'])).toEqual({ code: 0, stdout: `${value}\n`, stderr: '' })
  })

  it('escapes what a terminal would obey, but keeps line ends and tabs', async () => {
    const program = makeProgram()
    await program.run(['set', 'EVIL'], 'a\u001b]0;title\u0007\tb\nc\u202ed\n')
    expect((await program.show(['get', 'EVIL', '--reveal'])).stdout).toBe('a\\u{1b}]0;title\\u{7}\tb\nc\\u{202e}d\n\n')
  })

  it('pipes bytes that are no text, and refuses to show them', async () => {
    const program = makeProgram()
    const bytes = Uint8Array.of(0xff, 0x00, 0xfe)
    await program.run(['set', 'BYTES'], bytes)
    expect((await program.run(['get', 'BYTES'])).stdout).toBe(Buffer.from(bytes).toString())
    const shown = await program.show(['get', 'BYTES', '--reveal'])
    expect(shown.code).toBe(64)
    expect(shown.stderr).toContain('not text')
  })

  it('reads a version, the previous one and a field', async () => {
    const program = await withToken()
    await program.run(['set', 'TOKEN'], '{"user":"ada","port":5432}')
    expect((await program.run(['get', 'TOKEN', '--version', '1'])).stdout).toBe(value)
    expect((await program.run(['get', 'TOKEN', '--version', 'previous'])).stdout).toBe(value)
    expect((await program.run(['get', 'TOKEN', '--field', 'user'])).stdout).toBe('ada')
    expect((await program.run(['get', 'TOKEN', '--version=0'])).code).toBe(64)
  })

  it('prints JSON without the value on a terminal', async () => {
    const program = await withToken()
    const piped = JSON.parse((await program.run(['get', 'TOKEN', '--json'])).stdout) as unknown
    expect(piped).toMatchObject({ name: 'TOKEN', provider: 'local', version: 1, stale: false, value })
    expect((await program.show(['get', 'TOKEN', '--json'])).stdout).not.toContain(value)
    expect((await program.show(['get', 'TOKEN', '--json', '--reveal'])).stdout).toContain(value)
  })

  it('reads one provider of the chain, and refuses one that is not in it', async () => {
    const program = makeProgram(localConfig, { TOKEN: 'of-env' })
    await program.run(['set', 'TOKEN', '--provider', 'local'], value)
    expect((await program.run(['get', 'TOKEN'])).stdout).toBe(value)
    expect((await program.run(['get', 'TOKEN', '--provider', 'env'])).stdout).toBe('of-env')
    const refused = await program.run(['get', 'TOKEN', '--provider', 'vault'])
    expect(refused.code).toBe(64)
    expect(refused.stderr).toContain('use one of local, env')
  })

  it('tells a missing secret with the setting that would map it', async () => {
    const { code, stdout, stderr } = await makeProgram().run(['get', 'NOPE'])
    expect({ code, stdout }).toEqual({ code: 66, stdout: '' })
    expect(stderr.split('\n')).toEqual([
      'error: NOPE could not be read',
      "why:   Secret 'NOPE' not found in any provider (NOT_FOUND)",
      'fix:   if it is kept under another path, map it in local.names (FINCHAT_LOCAL_NAMES): NOPE=path or NOPE=path#field',
      '',
    ])
  })

  it('never answers the key of the store as a secret', async () => {
    const program = makeProgram()
    expect((await program.run(['get', 'FINCHAT_ENCRYPTION_KEY'])).code).toBe(66)
  })
})

describe('list and versions', () => {
  it('list paths, tags and versions in columns with tabs', async () => {
    const program = await withToken()
    await program.run(['set', 'prod/db', '--tag', 'team=pay', '--tag', 'owner=ada'], value)
    expect((await program.run(['list'])).stdout).toBe('TOKEN\tTOKEN\tlocal\t\nprod/db\tprod/db\tlocal\towner=ada,team=pay\n')
    expect((await program.run(['list', '--prefix', 'prod/'])).stdout).toBe('prod/db\tprod/db\tlocal\towner=ada,team=pay\n')
    const versions = await program.run(['versions', 'TOKEN'])
    expect(versions.stdout).toMatch(/^1\tcurrent\t\d{4}-\d\d-\d\dT[\d:.]+Z\tlocal\n$/)
  })

  it('lists the names that get takes beside the paths of the store, which it does not take', async () => {
    const secrets = { STRIPE: { name: 'STRIPE_KEY' }, DB_USER: { name: 'DB', field: 'username' } }
    const local = { ...localConfig.local, prefix: 'shop/', names: { MAPPED: 'elsewhere' } }
    const program = makeProgram({ provider: 'local', local, secrets })
    for (const name of ['STRIPE', 'OTHER', 'MAPPED']) await program.run(['set', name], value)
    await program.run(['set', 'DB_USER'], value)
    const rows = (await program.run(['list'])).stdout.trimEnd().split('\n')
    expect(rows.map((row) => row.split('\t').slice(0, 2))).toEqual([
      ['MAPPED', 'elsewhere'],
      ['DB', 'shop/DB'],
      ['OTHER', 'shop/OTHER'],
      ['STRIPE', 'shop/STRIPE_KEY'],
    ])
    for (const [name = ''] of rows.map((row) => row.split('\t'))) expect((await program.run(['get', name])).code).toBe(0)
    expect((await program.run(['get', 'shop/OTHER'])).code).toBe(66)
  })

  it('lists no name for a path to which none leads', async () => {
    const program = await withToken()
    const prefixed = { provider: 'local', local: { ...localConfig.local, onlyNamed: true, names: { A: 'a' } } }
    writeFileSync(join(program.folder, 'finchat-secrets.config.json'), JSON.stringify(prefixed))
    expect((await program.run(['list'])).stdout).toBe('\tTOKEN\tlocal\t\n')
  })

  it('print JSON', async () => {
    const program = await withToken()
    await program.run(['set', 'TOKEN'], 'second')
    expect(JSON.parse((await program.run(['list', '--json'])).stdout)).toEqual([
      { path: 'TOKEN', provider: 'local', tags: {}, names: ['TOKEN'] },
    ])
    const { versions } = JSON.parse((await program.run(['versions', 'TOKEN', '--json'])).stdout) as { versions: object[] }
    expect(versions.map((each) => ({ ...each, revision: '', since: '' }))).toEqual([
      { version: 1, revision: '', current: false, since: '' },
      { version: 2, revision: '', current: true, since: '' },
    ])
  })

  it('draw a table on a terminal', async () => {
    const program = await withToken()
    expect((await program.show(['list'])).stdout).toBe('name   path   provider  tags\nTOKEN  TOKEN  local\n')
  })

  it('tell that no provider of the chain can list', async () => {
    const { code, stderr } = await makeProgram({}).run(['list'])
    expect(code).toBe(70)
    expect(stderr).toContain('no provider can list its secrets')
  })
})

describe('verify', () => {
  it('matches the value with exit code 0, and tells another by 1', async () => {
    const program = await withToken()
    expect(await program.run(['verify', 'TOKEN'], value)).toEqual({ code: 0, stdout: 'matches\n', stderr: '' })
    expect(await program.run(['verify', 'TOKEN'], 'wrong')).toEqual({ code: 1, stdout: 'differs\n', stderr: '' })
    expect((await program.run(['verify', 'TOKEN', '--json'], 'wrong')).stdout).toBe('{"name":"TOKEN","matches":false,"decoy":false}\n')
  })

  it.each<[string, object, Record<string, string>]>([
    ['a store that can describe', localConfig, {}],
    ['variables, which are read again', {}, {}],
  ])('tells by 66 that there is no such secret: %s', async (_, config, env) => {
    const { code, stdout, stderr } = await makeProgram(config, env).run(['verify', 'NOPE'], value)
    expect({ code, stdout }).toEqual({ code: 66, stdout: '' })
    expect(stderr).toMatch(/^error: NOPE could not be compared\nwhy: {3}Secret 'NOPE' not found in any provider \(NOT_FOUND\)\n/)
    expect(stderr).not.toContain('canary')
  })

  it('tells by 66 that the secret is deleted, and in JSON', async () => {
    const program = await withToken()
    await program.run(['delete', 'TOKEN'])
    expect((await program.run(['verify', 'TOKEN'], value)).code).toBe(66)
    const { stderr } = await program.run(['verify', 'NOPE', '--json'], value)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'NOT_FOUND', exitCode: 66 } })
  })

  it('tells by 1 that it differs, although the secret cannot be described', async () => {
    const folder = makeProject({
      'finchat-secrets.config.mjs': `const get = async () => ({ value: 'other', version: 1 })
        const describe = async () => Promise.reject(Object.assign(new Error(), { code: 'EACCES' }))
        export default { provider: 'own', fallbacks: [], providers: { own: () => ({ specificationVersion: 'v1', name: 'own', get, describe }) } }`,
    })
    const outcome = await programIn(folder, {}).run(['verify', 'TOKEN', '--config', 'finchat-secrets.config.mjs'], value)
    expect(outcome).toEqual({ code: 1, stdout: 'differs\n', stderr: '' })
  })

  it('drops the line end that echo adds, unless it shall be kept', async () => {
    const program = await withToken()
    expect((await program.run(['verify', 'TOKEN'], `${value}\n`)).code).toBe(0)
    expect((await program.run(['verify', 'TOKEN', '--exact'], `${value}\n`)).code).toBe(1)
  })
})
