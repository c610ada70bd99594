import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../config/load-config.ts'
import { localConfig, makeProgram, type Outcome, type Program } from '../testing/run-program.ts'

const password = 'canary-of-the-database'
const secrets = {
  STRIPE: { name: 'STRIPE_KEY' },
  DB_USER: { name: 'DB', field: 'username' },
  DB_PASSWORD: { name: 'DB', field: 'password' },
}

async function project(more: object = {}): Promise<Program> {
  const program = makeProgram({ ...localConfig, fallbacks: [], secrets, ...more })
  await program.run(['set', 'STRIPE_KEY', '--exact'], 'canary-sk')
  await program.run(['set', 'DB', '--exact'], JSON.stringify({ username: 'shop_a', password }))
  return program
}

/** With other names than those that the project declares, which read what the stores have. */
async function stored(program: Program, name: string): Promise<string> {
  writeFileSync(join(program.folder, 'plain.config.json'), JSON.stringify(localConfig))
  return (await program.run(['get', name, '--config', 'plain.config.json'])).stdout
}

const succeeded = async (outcome: Promise<Outcome>): Promise<Outcome> => {
  const { code, stdout, stderr } = await outcome
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  return { code, stdout, stderr }
}

describe('a declared name', () => {
  it('is read by get, check, run and loadConfig alike', async () => {
    const program = await project()
    expect((await program.run(['get', 'DB_USER'])).stdout).toBe('shop_a')
    expect((await program.run(['get', 'STRIPE'])).stdout).toBe('canary-sk')
    expect((await program.run(['check'])).code).toBe(0)
    const print = ['--no-redact', '--', process.execPath, '-e', 'console.log(process.env.STRIPE, process.env.DB_USER)']
    expect((await program.run(['run', ...print])).stdout).toBe('canary-sk shop_a\n')
    await using loaded = (await loadConfig({ cwd: program.folder, env: { APP_KEY: program.key } })).secrets
    expect(await loaded.getSecrets(['STRIPE', 'DB_USER', 'DB_PASSWORD'])).toEqual({
      STRIPE: 'canary-sk',
      DB_USER: 'shop_a',
      DB_PASSWORD: password,
    })
  })

  it('is written where it is read: a field keeps the others', async () => {
    const program = await project()
    await succeeded(program.run(['set', 'STRIPE', '--exact'], 'canary-2'))
    expect(await stored(program, 'STRIPE_KEY')).toBe('canary-2')
    await succeeded(program.run(['set', 'DB_PASSWORD', '--exact'], 'canary-3'))
    expect(JSON.parse(await stored(program, 'DB'))).toEqual({ username: 'shop_a', password: 'canary-3' })
    expect((await program.run(['list'])).stdout).toBe('DB\tDB\tlocal\t\nSTRIPE\tSTRIPE_KEY\tlocal\t\n')
  })

  it('is verified, tagged, and has versions', async () => {
    const program = await project()
    expect((await program.run(['verify', 'DB_PASSWORD'], password)).stdout).toBe('matches\n')
    expect((await program.run(['verify', 'STRIPE'], 'canary-sk')).stdout).toBe('matches\n')
    expect((await program.run(['verify', 'STRIPE'], password)).stdout).toBe('differs\n')
    await succeeded(program.run(['tag', 'DB_USER', 'team=pay']))
    expect((await program.run(['list'])).stdout).toContain('DB\tDB\tlocal\tteam=pay')
    expect((await succeeded(program.run(['versions', 'DB_USER']))).stdout).toMatch(/^1\tcurrent/)
  })

  it('of a whole secret is deleted and restored; a field cannot be withdrawn alone', async () => {
    const program = await project()
    await succeeded(program.run(['delete', 'STRIPE']))
    expect((await program.run(['get', 'STRIPE'])).code).toBe(66)
    await succeeded(program.run(['restore', 'STRIPE']))
    expect((await program.run(['get', 'STRIPE'])).stdout).toBe('canary-sk')
    const refused = await program.run(['delete', 'DB_PASSWORD'])
    expect([refused.code, refused.stderr]).toEqual([64, expect.stringContaining('is the field password of a secret')])
    expect((await program.run(['get', 'DB_PASSWORD'])).stdout).toBe(password)
  })

  it('is rotated: a whole secret, or a field alone', async () => {
    const program = await project()
    await succeeded(program.run(['rotate', 'STRIPE', '--generate', 'uuid']))
    expect(await stored(program, 'STRIPE_KEY')).toHaveLength(36)
    await succeeded(program.run(['rotate', 'DB_PASSWORD', '--value-from-stdin'], 'canary-4'))
    expect(JSON.parse(await stored(program, 'DB'))).toEqual({ username: 'shop_a', password: 'canary-4' })
  })

  it('of a field is rotated with its secret where the configuration rotates that, also when it is due', async () => {
    const program = await project({ rotation: { DB: { every: '1d' }, STRIPE: { every: '1d', generate: { kind: 'uuid' } } } })
    expect((await succeeded(program.run(['rotate', 'DB_PASSWORD']))).stderr).toContain('DB is rotated as version 2')
    const { username, password: next } = JSON.parse(await stored(program, 'DB')) as Record<string, string>
    expect([username, next?.length]).toEqual(['shop_a', 32])
    expect((await program.run(['rotate', '--due'])).stdout).toMatch(/^DB\tnotDue\t.*\nSTRIPE_KEY\tnotDue\t/)
  })

  it('of a whole secret is taken by --only of transfers, and that of a field refused', async () => {
    const program = await project()
    const exported = await program.run(['export', '--format', 'json', '--only', 'STRIPE'])
    expect(JSON.parse(exported.stdout)).toEqual({ STRIPE: 'canary-sk' })
    const refused = await program.run(['export', '--format', 'json', '--only', 'DB_USER'])
    expect([refused.code, refused.stdout]).toEqual([64, ''])
    expect(refused.stderr).toContain('name the whole secret: --only DB')
    expect((await program.run(['migrate', '--from', 'local', '--to', 'env', '--only', 'DB_USER'])).stderr).toContain('--only DB')
  })

  it('hides a secret of the same name, so that no file is written where it could mean either', async () => {
    const program = await project({ secrets: { A: { name: 'B' }, B: { name: 'A' } } })
    await program.run(['set', 'A', '--exact'], 'in B')
    await program.run(['set', 'B', '--exact'], 'in A')
    expect([await stored(program, 'A'), await stored(program, 'B')]).toEqual(['in A', 'in B'])
    const exported = await program.run(['export', '--format', 'json'])
    expect([exported.code, exported.stdout]).toEqual([64, ''])
    expect(exported.stderr).toContain('is the declared name of one secret, and the name of another one in the chain')
  })
})
