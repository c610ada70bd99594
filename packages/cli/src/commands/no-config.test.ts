import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { makeProgram, programIn } from '../testing/run-program.ts'

const hint = (folder: string): string => `no finchat-secrets.config.json was found in ${folder}: go to`

describe('a folder that nothing configures', () => {
  it.each([
    [['get', 'X'], 66],
    [['versions', 'X'], 66],
    [['delete', 'X'], 66],
    [['list'], 70],
    [['set', 'X'], 70],
    [['check'], 64],
    [['run', '--', 'true'], 64],
    [['import', '--from', '-', '--format', 'json'], 64],
    [['export', '--format', 'json'], 64],
  ])('is said to be one: %j', async (args, code) => {
    const folder = makeProject({})
    const { code: found, stderr } = await programIn(folder).run(args, '{"X":"v"}')
    expect(stderr).toContain(hint(folder))
    expect([found, stderr]).toEqual([code, expect.stringContaining('finchat-secrets init')])
  })

  it.each(['backup', 'reencrypt'])('gets no advice for the store of another project: %s', async (command) => {
    const folder = makeProject({})
    const { code, stderr } = await programIn(folder).run([command])
    expect([code, stderr]).toEqual([70, expect.stringContaining(hint(folder))])
    expect(stderr).not.toMatch(/generate|is not set/)
  })

  it('is said to programs', async () => {
    const folder = makeProject({})
    const { stderr } = await programIn(folder).run(['list', '--json'])
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'UNSUPPORTED', remedy: expect.stringContaining(hint(folder)) } })
  })

  it('still answers from variables', async () => {
    expect(await programIn(makeProject({}), { X: 'v' }).run(['get', 'X'])).toEqual({ code: 0, stdout: 'v', stderr: '' })
  })
})

describe('nothing is said of it', () => {
  it.each<[string, Record<string, string>, readonly string[]]>([
    ['where a variable configures the chain', { FINCHAT_SECRETS_PROVIDER: 'env' }, ['get', 'X']],
    ['where the call is wrong', {}, ['get']],
    ['where no configuration is needed', {}, ['audit', 'verify', 'none']],
    ['where a file is named', {}, ['get', 'X', '--config', 'other.json']],
  ])('%s', async (_, env, args) => {
    expect((await programIn(makeProject({ 'other.json': '{}' }), env).run(args)).stderr).not.toContain('was found in')
  })

  it('in a folder below the file', async () => {
    const { folder } = makeProgram()
    const below = makeProject({ 'package.json': '{}', 'finchat-secrets.config.json': '{}', 'src/a.js': '' })
    for (const cwd of [folder, join(below, 'src')])
      expect(
        (await programIn(cwd, { APP_KEY: '9f3a1c77e2b04d58a6c1f0e9d8b7a6954f3e2d1c0b9a8f7e6d5c4b3a29180716' }).run(['get', 'X'])).stderr,
      ).not.toContain('was found')
  })
})
