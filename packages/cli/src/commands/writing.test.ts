import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { localConfig, makeProgram } from '../testing/run-program.ts'

const value = 'canary-4711'

describe('set', () => {
  it('stores what is piped in, and says where on stderr', async () => {
    const program = makeProgram()
    expect(await program.run(['set', 'TOKEN'], value)).toEqual({
      code: 0,
      stdout: '',
      stderr: "TOKEN is written as version 1 at 'local'\n",
    })
    expect((await program.run(['set', 'TOKEN', '--json'], value)).stdout).toBe('{"name":"TOKEN","provider":"local","version":2}\n')
  })

  it.each([
    ['hunter2\n', 'hunter2'],
    ['hunter2\r\n', 'hunter2'],
    ['hunter2\n\n', 'hunter2\n\n'],
    ['-----BEGIN-----\nabc\n', '-----BEGIN-----\nabc\n'],
    [' a ', ' a '],
  ])('of %j keeps %j', async (given, kept) => {
    const program = makeProgram()
    await program.run(['set', 'TOKEN'], given)
    expect((await program.run(['get', 'TOKEN'])).stdout).toBe(kept)
  })

  it('keeps every byte with --exact, and tells when it dropped a line end', async () => {
    const program = makeProgram()
    expect((await program.run(['set', 'A'], 'x\n')).stderr).toContain('the line end behind the value was dropped; --exact keeps it')
    await program.run(['set', 'A', '--exact'], 'x\n')
    expect((await program.run(['get', 'A'])).stdout).toBe('x\n')
  })

  it.each([
    [['set', 'TOKEN', value]],
    [['set', `TOKEN=${value}`]],
    [['set', 'TOKEN', '--', value]],
    [['set', 'TOKEN', '--value', value]],
    [['set', 'TOKEN', `--value=${value}`]],
    [['set', 'TOKEN', `--${value}`]],
    [['set', 'TOKEN', `--json=${value}`]],
    [['set', 'TOKEN', '--version', value]],
    [['set', 'TOKEN', '--tag', value]],
    [['get', 'TOKEN', value]],
    [[value]],
  ])('never takes a value from an argument, nor quotes it: %j', async (args) => {
    const program = makeProgram()
    const { code, stdout, stderr } = await program.run(args, 'piped')
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).not.toContain(value)
    expect((await program.run(['list'])).stdout).toBe('')
  })

  it('gives the reason why', async () => {
    const { stderr } = await makeProgram().run(['set', 'TOKEN', value])
    expect(stderr).toContain('other users see it in `ps`, and the shell keeps it in its history')
  })

  it('refuses an empty input: the left side of the pipe may have failed', async () => {
    const program = makeProgram()
    expect((await program.run(['set', 'TOKEN'], '')).code).toBe(64)
    expect((await program.run(['set', 'TOKEN'], '\n')).code).toBe(64)
    expect((await program.run(['list'])).stdout).toBe('')
  })

  it('refuses more than a store takes', async () => {
    const { code, stderr } = await makeProgram().run(['set', 'TOKEN'], Buffer.alloc(4 * 1024 * 1024 + 1, 'a'))
    expect(code).toBe(64)
    expect(stderr).toContain('larger than')
  })

  it('writes one field, a number and tags', async () => {
    const program = makeProgram()
    await program.run(['set', 'DB'], '{"user":"ada","password":"old"}')
    expect((await program.run(['set', 'DB', '--field', 'password', '--version', '7', '--tag', 'team=pay'], 'new')).code).toBe(0)
    expect((await program.run(['get', 'DB', '--field', 'user'])).stdout).toBe('ada')
    expect((await program.run(['get', 'DB', '--field', 'password'])).stdout).toBe('new')
    expect((await program.run(['list'])).stdout).toBe('DB\tDB\tlocal\tteam=pay\n')
    const conflict = await program.run(['set', 'DB', '--field', 'user', '--version', '7'], 'eve')
    expect(conflict.code).toBe(70)
    expect(conflict.stderr).toContain('VERSION_CONFLICT')
  })

  it('does not write behind a provider that would hide the secret', async () => {
    const program = makeProgram({ ...localConfig, provider: 'env', fallbacks: ['local'] }, { TOKEN: 'of-env' })
    const { code, stderr } = await program.run(['set', 'TOKEN', '--provider', 'local'], value)
    expect(code).toBe(70)
    expect(stderr).toContain('(CONFIGURATION)')
    expect((await program.run(['set', 'OTHER', '--provider', 'local'], value)).code).toBe(0)
  })
})

describe('set of a declared name', () => {
  const secrets = {
    DATABASE_URL: { type: 'url' },
    STRIPE: { name: 'STRIPE_KEY', minLength: 8 },
    DB_PASSWORD: { name: 'DB', field: 'password', minLength: 8 },
  }

  it.each([
    ['DATABASE_URL', [], 'canary', 'DATABASE_URL: it is no URL (type url)'],
    ['STRIPE', [], 'canary', 'STRIPE: it is shorter than 8 characters (minLength)'],
    ['STRIPE_KEY', [], 'canary', 'STRIPE: it is shorter than 8 characters (minLength)'],
    ['DB_PASSWORD', [], 'canary', 'DB_PASSWORD: it is shorter than 8 characters (minLength)'],
    ['DB', ['--field', 'password'], 'canary', 'DB_PASSWORD: it is shorter than 8 characters (minLength)'],
    ['DB', [], '{"username":"canary"}', 'DB_PASSWORD: the secret has no field "password"'],
  ])('%s %j refuses what its declaration forbids, and writes it by --force', async (name, flags, given, why) => {
    const program = makeProgram({ ...localConfig, secrets })
    const { code, stdout, stderr } = await program.run(['set', name, ...flags], given)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(`why:   the value is not as declared: ${why} (INVALID_ARGUMENT)\nfix:   `)
    expect(stderr).not.toContain('canary')
    expect((await program.run(['list'])).stdout).toBe('')
    expect((await program.run(['set', name, ...flags, '--force'], given)).code).toBe(0)
    expect((await program.run(['check'])).stdout).toContain(why.replace(': ', '\twrong\tlocal\t'))
  })

  it('takes what is as declared', async () => {
    const program = makeProgram({ ...localConfig, secrets })
    for (const [name, given] of [
      ['DATABASE_URL', 'postgres://db'],
      ['STRIPE', 'canary-8'],
      ['DB', '{"password":"canary-8"}'],
    ] as const)
      expect((await program.run(['set', name], given)).code).toBe(0)
    expect((await program.run(['check'])).code).toBe(0)
  })
})

describe('set of a name that is not declared', () => {
  const secrets = { STRIPE_KEY: {}, DB_USER: { name: 'DB', field: 'username' } }

  it.each([
    [
      ['SMTP_PASSWORD'],
      'SMTP_PASSWORD is not declared, so run does not give it: add "SMTP_PASSWORD": {} under "secrets", or give --declare',
    ],
    [
      ['STRIPE_KYE'],
      'STRIPE_KYE is not declared, so run does not give it: did you mean STRIPE_KEY? If not: add "STRIPE_KYE": {} under "secrets", or give --declare',
    ],
    [
      ['CACHE', '--field', 'user'],
      'CACHE is not declared, so run does not give it: add "CACHE_USER": { "name": "CACHE", "field": "user" } under "secrets"',
    ],
  ])('%j warns, and says what to do', async (args, warning) => {
    const program = makeProgram({ ...localConfig, secrets })
    const { code, stderr } = await program.run(['set', ...args], 'canary')
    expect([code, stderr.split('\n')[0]]).toEqual([0, `warning: ${warning}`])
    expect(stderr).not.toContain('canary')
  })

  it.each([
    [secrets, 'STRIPE_KEY'],
    [secrets, 'DB_USER'],
    [{}, 'SMTP_PASSWORD'],
  ])('does not warn where %j declares %s, or nothing is declared', async (declared, name) => {
    const { stderr } = await makeProgram({ ...localConfig, secrets: declared }).run(['set', name], 'canary')
    expect(stderr).not.toContain('warning')
  })

  it('does not warn of a secret of the chain to which a declaration leads', async () => {
    const { stderr } = await makeProgram({ ...localConfig, secrets }).run(['set', 'DB'], '{"username":"canary"}')
    expect(stderr).not.toContain('warning')
  })

  it('declares it by --declare, so that check and run read it', async () => {
    const program = makeProgram({ ...localConfig, fallbacks: [], secrets: { STRIPE_KEY: {} } })
    await program.run(['set', 'STRIPE_KEY'], 'canary')
    const { code, stderr } = await program.run(['set', 'SMTP_PASSWORD', '--declare'], 'canary')
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "SMTP_PASSWORD is written as version 1 at 'local'\nSMTP_PASSWORD is declared in finchat-secrets.config.json\n",
    })
    expect((await program.run(['check'])).stdout).toBe('STRIPE_KEY\tok\tlocal\t\nSMTP_PASSWORD\tok\tlocal\t\n')
    expect((await program.run(['set', 'SMTP_PASSWORD', '--declare'], 'canary-2')).stderr).not.toContain('declared')
    expect(readFileSync(join(program.folder, 'finchat-secrets.config.json'), 'utf8')).not.toContain('canary')
  })

  it('declares nothing if the value is not written, and writes nothing if it cannot be declared', async () => {
    const program = makeProgram({ ...localConfig, secrets })
    const config = (): string => readFileSync(join(program.folder, 'finchat-secrets.config.json'), 'utf8')
    const before = config()
    expect((await program.run(['set', 'SMTP_PASSWORD', '--declare'], '')).code).toBe(64)
    const field = await program.run(['set', 'SMTP', '--field', 'user', '--declare'], 'canary')
    expect([field.code, field.stderr]).toEqual([64, expect.stringContaining('add "SMTP_USER": { "name": "SMTP", "field": "user" }')])
    const refused = await program.run(['set', 'prod/smtp', '--declare'], 'canary')
    expect([refused.code, refused.stderr]).toEqual([64, expect.stringContaining('is no name of a variable')])
    expect([config(), (await program.run(['list'])).stdout]).toEqual([before, ''])
  })
})

describe('a misspelt name', () => {
  it.each([['get'], ['verify'], ['versions'], ['delete'], ['tag'], ['rotate', '--generate', 'token']])(
    'of %s comes with the right one',
    async (command, ...flags) => {
      const program = makeProgram({ ...localConfig, secrets: { STRIPE_KEY: {} } })
      const { code, stderr } = await program.run([command, 'STRIPE_KEi', ...flags, ...(command === 'tag' ? ['a=b'] : [])], 'canary')
      expect([code, stderr]).toEqual([66, expect.stringContaining('fix:   did you mean STRIPE_KEY?\n')])
    },
  )
})

describe('delete and restore', () => {
  it('withdraw a secret, and bring it back', async () => {
    const program = makeProgram()
    await program.run(['set', 'TOKEN'], value)
    expect((await program.run(['delete', 'TOKEN'])).stderr).toBe("TOKEN is deleted at 'local': finchat-secrets restore TOKEN undoes it\n")
    const read = await program.run(['get', 'TOKEN', '--provider', 'local'])
    expect(read.code).toBe(66)
    expect((await program.run(['restore', 'TOKEN'])).stderr).toBe("TOKEN is restored at 'local'\n")
    expect((await program.run(['get', 'TOKEN'])).stdout).toBe(value)
  })

  it('ask before a purge, which a pipe cannot answer', async () => {
    const program = makeProgram()
    await program.run(['set', 'TOKEN'], value)
    const refused = await program.run(['delete', 'TOKEN', '--purge'])
    expect(refused.code).toBe(64)
    expect(refused.stderr).toContain('--yes')
    expect((await program.run(['get', 'TOKEN'])).stdout).toBe(value)
    expect((await program.run(['delete', 'TOKEN', '--purge', '--yes'])).stderr).toContain('for good')
    expect((await program.run(['restore', 'TOKEN'])).code).toBe(66)
  })

  it('print JSON', async () => {
    const program = makeProgram()
    await program.run(['set', 'TOKEN'], value)
    expect(JSON.parse((await program.run(['delete', 'TOKEN', '--json'])).stdout)).toMatchObject({ name: 'TOKEN', provider: 'local' })
    expect((await program.run(['restore', 'TOKEN', '--json'])).stdout).toBe('{"name":"TOKEN","provider":"local"}\n')
  })
})

describe('tag', () => {
  it('sets and removes tags, and leaves the others', async () => {
    const program = makeProgram()
    await program.run(['set', 'TOKEN', '--tag', 'a=1', '--tag', 'b=2'], value)
    expect((await program.run(['tag', 'TOKEN', 'c=x=y', '--remove', 'a'])).code).toBe(0)
    expect((await program.run(['list'])).stdout).toBe('TOKEN\tTOKEN\tlocal\tb=2,c=x=y\n')
  })

  it('needs a tag', async () => {
    const program = makeProgram()
    expect((await program.run(['tag', 'TOKEN'])).code).toBe(64)
    expect((await program.run(['tag', 'TOKEN', 'team'])).stderr).toContain('write it as key=value')
  })
})
