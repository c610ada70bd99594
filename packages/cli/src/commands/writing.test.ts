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
    expect((await program.run(['list'])).stdout).toBe('DB\tlocal\tteam=pay\n')
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
  ])('%s %j refuses what its declaration forbids, and writes it by --force', async (name, flags, value, why) => {
    const program = makeProgram({ ...localConfig, secrets })
    const { code, stdout, stderr } = await program.run(['set', name, ...flags], value)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(`why:   the value is not as declared: ${why} (INVALID_ARGUMENT)\nfix:   `)
    expect(stderr).not.toContain('canary')
    expect((await program.run(['list'])).stdout).toBe('')
    expect((await program.run(['set', name, ...flags, '--force'], value)).code).toBe(0)
    expect((await program.run(['check'])).stdout).toContain(why.replace(': ', '\twrong\tlocal\t'))
  })

  it('takes what is as declared', async () => {
    const program = makeProgram({ ...localConfig, secrets })
    for (const [name, value] of [
      ['DATABASE_URL', 'postgres://db'],
      ['STRIPE', 'canary-8'],
      ['DB', '{"password":"canary-8"}'],
    ] as const)
      expect((await program.run(['set', name], value)).code).toBe(0)
    expect((await program.run(['check'])).code).toBe(0)
  })
})

describe('delete and restore', () => {
  it('withdraw a secret, and bring it back', async () => {
    const program = makeProgram()
    await program.run(['set', 'TOKEN'], value)
    expect((await program.run(['delete', 'TOKEN'])).stderr).toBe("TOKEN is deleted at 'local': finchat-secrets restore undoes it\n")
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
    expect((await program.run(['list'])).stdout).toBe('TOKEN\tlocal\tb=2,c=x=y\n')
  })

  it('needs a tag', async () => {
    const program = makeProgram()
    expect((await program.run(['tag', 'TOKEN'])).code).toBe(64)
    expect((await program.run(['tag', 'TOKEN', 'team'])).stderr).toContain('write it as key=value')
  })
})
