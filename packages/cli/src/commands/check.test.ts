import { describe, expect, it } from 'vitest'
import { localConfig, makeProgram, type Outcome } from '../testing/run-program.ts'

const checkOf = async (secrets: object, env: Record<string, string>, config: object = {}): Promise<Outcome> =>
  makeProgram({ ...config, secrets }, env).run(['check'])

describe('check', () => {
  it('passes if every required secret is there and as declared', async () => {
    const env = { TOKEN: 'canary-4711', PORT: '5432', DB: '{"url":"https://db:5432/x"}' }
    const secrets = {
      TOKEN: { minLength: 11 },
      PORT: { type: 'integer' },
      URL: { name: 'DB', field: 'url', type: 'url' },
      NOPE: { required: false },
    }
    expect(await checkOf(secrets, env)).toEqual({
      code: 0,
      stdout: 'TOKEN\tok\tenv\t\nPORT\tok\tenv\t\nURL\tok\tenv\t\nNOPE\tabsent\t\t\n',
      stderr: '',
    })
  })

  it.each([
    ['integer', '5432', true],
    ['integer', '-1', true],
    ['integer', '1.5', false],
    ['integer', '0x10', false],
    ['integer', ' 1', false],
    ['boolean', 'false', true],
    ['boolean', 'yes', false],
    ['url', 'redis://h:1', true],
    ['url', 'canary', false],
    ['json', '[1]', true],
    ['json', '{', false],
    ['text', 'canary', true],
  ])('of %s takes %j: %s', async (type, value, isRight) => {
    const { code, stdout } = await checkOf({ A: { type } }, { A: value })
    expect({ code, state: stdout.split('\t')[1] }).toEqual(isRight ? { code: 0, state: 'ok' } : { code: 1, state: 'wrong' })
    expect(stdout).not.toContain('canary')
  })

  it.each([
    [{ type: 'url', minLength: 4 }, 'canary', 'it is no URL (type url)'],
    [{ type: 'integer' }, 'canary', 'it is no whole number (type integer)'],
    [{ type: 'boolean' }, 'canary', 'it is neither true nor false (type boolean)'],
    [{ type: 'json' }, 'canary', 'it is no JSON (type json)'],
    [{ minLength: 8, type: 'url' }, 'canary', 'it is shorter than 8 characters (minLength)'],
    [{ minLength: 1 }, '', 'it is shorter than 1 character (minLength)'],
  ])('names the rule that %j makes, and never the value %j', async (declared, value, reason) => {
    const { stdout } = await checkOf({ A: declared }, { A: value })
    expect(stdout).toBe(`A\twrong\tenv\t${reason}\n`)
    const started = await makeProgram({ secrets: { A: declared } }, { A: value }).run(['run', '--', 'true'])
    expect([started.code, started.stderr]).toEqual([1, expect.stringContaining(`A: wrong: ${reason} (INVALID_ARGUMENT)`)])
    expect(started.stderr).not.toContain('canary')
  })

  it('warns of a policy that `rotate --due` would refuse', async () => {
    const rotation = { A: { every: '1d', graceSeconds: 86_400 }, B: { every: '1d' } }
    const { code, stdout, stderr } = await checkOf({ A: {} }, { A: 'canary' }, { rotation })
    expect([code, stdout]).toEqual([0, 'A\tok\tenv\t\n'])
    const problem = 'rotation.A: `graceSeconds` is longer than the time between two rotations'
    expect(stderr).toBe(`warning: \`rotate --due\` refuses ${problem}: rotate less often, or shorten it\n`)
  })

  it('says which provider of the chain answered', async () => {
    const program = makeProgram({ ...localConfig, secrets: { A: {}, B: {} } }, { B: 'canary' })
    await program.run(['set', 'A'], 'canary')
    expect((await program.run(['check'])).stdout).toBe('A\tok\tlocal\t\nB\tok\tenv\t\n')
    expect((await program.show(['check'])).stdout).toBe('name  state  provider  reason\nA     ok     local\nB     ok     env\n')
    expect(JSON.parse((await program.run(['check', '--json'])).stdout)).toMatchObject([{ provider: 'local' }, { provider: 'env' }])
  })

  it('tells what is missing by exit code 66, before what is wrong', async () => {
    const { code, stdout } = await checkOf({ SHORT: { minLength: 8 }, NOPE: {} }, { SHORT: 'canary' })
    expect(code).toBe(66)
    expect(stdout.split('\n').map((line) => line.split('\t').slice(0, 2))).toEqual([['SHORT', 'wrong'], ['NOPE', 'missing'], ['']])
  })

  it('tells a provider that cannot be asked by its own exit code', async () => {
    const config = { provider: 'mounted', fallbacks: [], mounted: { folder: 'no-such-folder' } }
    const { code, stdout } = await checkOf({ A: {}, B: { required: false } }, {}, config)
    expect(code).toBe(70)
    expect(stdout).toMatch(/^A\tfailed\t.+\nB\tfailed\t.+\n$/)
  })

  it('tells by 77 that a credential is missing, as every command does, though env was asked too', async () => {
    const config = { provider: 'vault', vault: { url: 'http://127.0.0.1:9', token: { file: 'no-token' } }, secrets: { A: {} } }
    const { run } = makeProgram(config, {})
    const commands = [['check'], ['get', 'A'], ['run', '--', 'true'], ['doctor'], ['list'], ['scan']]
    const codes = await Promise.all(commands.map(async (args) => [args.join(' '), (await run(args)).code]))
    expect(Object.fromEntries(codes)).toMatchObject({ check: 77, 'get A': 77, 'run -- true': 77, doctor: 77, list: 77, scan: 77 })
  })

  it('prints JSON, without values', async () => {
    const program = makeProgram({ ...localConfig, secrets: { A: { type: 'url' } } })
    await program.run(['set', 'A', '--force'], 'canary')
    const { code, stdout } = await program.run(['check', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual([
      {
        name: 'A',
        state: 'wrong',
        provider: 'local',
        code: 'INVALID_ARGUMENT',
        reason: 'it is no URL (type url)',
        degraded: false,
        stale: false,
      },
    ])
  })

  it('needs declared secrets', async () => {
    const { code, stderr } = await makeProgram({}).run(['check'])
    expect(code).toBe(64)
    expect(stderr).toContain('declares no secrets')
  })
})
