import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../config/load-config.ts'
import { runChild } from '../testing/child.ts'
import { localConfig, makeProgram, type Program } from '../testing/run-program.ts'

const password = 'canary-of-the-database'
const json = JSON.stringify({ username: 'shop_a', password })
const register = new URL('../register.ts', import.meta.url).href

/** The same secret as JSON text, and under `FIELDS` as named fields of the store. */
async function project(declared: object = { type: 'json' }): Promise<Program> {
  const secrets = { TEXT: { type: 'json' }, FIELDS: { name: 'stored', ...declared } }
  const program = makeProgram({ ...localConfig, fallbacks: [], secrets })
  await program.run(['set', 'TEXT', '--exact'], json)
  for (const [field, value] of Object.entries({ username: 'shop_a', password }))
    await program.run(['set', 'stored', '--field', field, '--exact'], value)
  return program
}

const print = 'console.log(JSON.stringify([process.env.TEXT, process.env.FIELDS]))'

describe('a secret of named fields that is declared as json is its JSON text', () => {
  it('in check, get and export', async () => {
    const program = await project()
    expect(await program.run(['check'])).toEqual({ code: 0, stdout: 'TEXT\tok\tlocal\t\nFIELDS\tok\tlocal\t\n', stderr: '' })
    for (const name of ['TEXT', 'FIELDS', 'stored']) expect(await program.run(['get', name])).toEqual({ code: 0, stdout: json, stderr: '' })
    const exported = JSON.parse((await program.run(['export', '--format', 'json'])).stdout) as unknown
    expect(exported).toEqual({ TEXT: json, FIELDS: json })
  })

  it('in run, register and loadConfig', async () => {
    const program = await project()
    const app = join(program.folder, 'app.cjs')
    writeFileSync(app, print)
    const env = { APP_KEY: program.key }
    const ran = await program.run(['run', '--no-redact', '--', process.execPath, app])
    const registered = await runChild([], { cwd: program.folder, env, program: app, node: ['--import', register] })
    for (const { stdout } of [ran, registered]) expect(JSON.parse(stdout)).toEqual([json, json])
    const { secrets } = await loadConfig({ cwd: program.folder, env })
    expect([await secrets.getSecret('TEXT'), await secrets.getSecret('FIELDS')]).toEqual([json, json])
    await secrets.close()
  })

  it('also with one field, and with fields that are no texts', async () => {
    const program = await project()
    await program.run(['set', 'one', '--field', 'password', '--exact'], password)
    const secrets = { ONE: { name: 'one', type: 'json' } }
    writeFileSync(join(program.folder, 'finchat-secrets.config.json'), JSON.stringify({ ...localConfig, secrets }))
    expect((await program.run(['get', 'ONE'])).stdout).toBe(JSON.stringify({ password }))
    expect((await program.run(['get', 'one'])).stdout).toBe(password) // as its name was stored
    expect((await program.run(['export', '--format', 'json'])).stdout).toBe(
      `${JSON.stringify({ ONE: JSON.stringify({ password }) }, null, 2)}\n`,
    )
    expect(await program.run(['check'])).toMatchObject({ code: 0 })
  })

  it('and is written as such', async () => {
    const program = await project()
    const next = JSON.stringify({ username: 'shop_b', password: 'canary-2' })
    expect(await program.run(['set', 'FIELDS', '--exact'], next)).toMatchObject({ code: 0 })
    expect((await program.run(['get', 'FIELDS', '--field', 'password'])).stdout).toBe('canary-2')
    expect((await program.run(['get', 'FIELDS'])).stdout).toBe(next)
  })
})

describe('a secret of named fields that is declared as another type', () => {
  it('is printed by get, and refused by check and run, for a password is not its document', async () => {
    const program = await project({ type: 'text' })
    expect((await program.run(['get', 'FIELDS'])).stdout).toBe(json)
    const checked = await program.run(['check'])
    expect([checked.code, checked.stdout]).toEqual([
      1,
      expect.stringContaining('FIELDS\twrong\tlocal\tthe secret has several fields: declare one by "field", or the whole as type json'),
    ])
    const ran = await program.run(['run', '--', process.execPath, '-e', print])
    expect(ran.code).toBe(1)
    expect(JSON.stringify([checked, ran])).not.toContain('canary')
  })
})

describe('delete by the name of a field', () => {
  it.each<[string, object, string]>([
    ['a name in the chain', {}, 'delete it by finchat-secrets delete stored'],
    ['a declared name', { WHOLE: { name: 'stored' } }, 'delete it by finchat-secrets delete WHOLE'],
    ['no name', { stored: { field: 'username' } }, 'declare the whole secret under a name of its own'],
  ])('leaves the secret, and says how to delete it: by %s', async (_, more, remedy) => {
    const program = makeProgram({ ...localConfig, fallbacks: [], secrets: { PASSWORD: { name: 'stored', field: 'password' }, ...more } })
    await program.run(['set', 'PASSWORD', '--exact'], password)
    const { code, stderr } = await program.run(['delete', 'PASSWORD'])
    expect([code, stderr]).toEqual([64, expect.stringContaining('PASSWORD is the field password of a secret, which is deleted as a whole')])
    expect(stderr).toContain(remedy)
    expect((await program.run(['get', 'PASSWORD'])).stdout).toBe(password)
  })
})
