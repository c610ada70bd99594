import { generateKey } from '@finchat/secrets-core/sealing'
import { describe, expect, it } from 'vitest'
import { makeProgram, type Program } from '../testing/run-program.ts'

const canary = 'canary-4711-of-the-payment-api'

function project(env: Record<string, string> = {}): Program {
  const secrets = { TOKEN: {}, PORT: { type: 'integer' }, URL: { type: 'url' }, NOPE: { required: false } }
  const values = { TOKEN: canary, PORT: '5432', URL: 'https://ada:canary@db.test/' }
  return makeProgram({ secrets, audit: { line: 'stderr' } }, { PATH: process.env['PATH'] ?? '', ...values, ...env })
}

async function environment(flags: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await project(env).run(['run', '--no-redact', ...flags, '--', 'env'])
  return stdout
}

describe('the environment of a sealed command', () => {
  it('has no secret, also where it had one that the chain answered from', async () => {
    const seen = await environment(['--sealed'])
    expect(seen).not.toMatch(/canary|^(TOKEN|PORT|URL|NOPE)=/m)
    expect(seen).toContain('PATH=')
  })

  it('names what asks for the secrets, behind the NODE_OPTIONS of the user', async () => {
    expect(await environment(['--sealed'], { NODE_OPTIONS: '--no-warnings' })).toMatch(
      /^NODE_OPTIONS=--no-warnings --import=file:\/\/\S+register\.ts$/m,
    )
    expect(await environment(['--sealed'])).toMatch(/^NODE_OPTIONS=--import=file:/m)
  })

  it('has decoys of texts and URLs, and not of what has too few forms', async () => {
    const seen = await environment(['--sealed', '--decoys'], { FINCHAT_DECOYS_KEY: generateKey() })
    expect(seen).toMatch(/^TOKEN=[0-9A-Za-z]{30}$/m)
    expect(seen).toMatch(/^URL=https:\/\/app:\w{24}@db\.internal\/app$/m)
    expect(seen).not.toMatch(/canary|^(PORT|FINCHAT_DECOYS_KEY)=/m)
  })

  it('has decoys that `verify` reports', async () => {
    const key = { FINCHAT_DECOYS_KEY: generateKey() }
    const [, decoy = ''] = /^TOKEN=(.+)$/m.exec(await environment(['--sealed', '--decoys'], key)) ?? []
    const { code, stdout } = await project(key).run(['verify', 'TOKEN'], decoy)
    expect([code, stdout]).toEqual([1, 'differs\n'])
    expect(JSON.parse((await project(key).run(['verify', 'TOKEN', '--json'], decoy)).stdout)).toEqual({
      name: 'TOKEN',
      matches: false,
      decoy: true,
    })
  })
})

describe('nothing is started', () => {
  it.each<[string, string[], Record<string, string>, number, string]>([
    ['with --decoys alone', ['--decoys'], {}, 64, '--decoys needs --sealed'],
    ['with --decoys and no key', ['--sealed', '--decoys'], {}, 70, 'FINCHAT_DECOYS_KEY'],
    ['with --decoys and a weak key', ['--sealed', '--decoys'], { FINCHAT_DECOYS_KEY: 'canary' }, 70, 'at least 32 bytes'],
  ])('%s', async (_, flags, env, code, why) => {
    const outcome = await project(env).run(['run', ...flags, '--', 'echo', 'started'])
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).toMatch(/^error: the command was not started\nwhy: {3}.+\nfix: {3}.+\n/m)
    expect(outcome.stderr).toContain(why)
    expect(outcome.stderr).not.toContain('canary')
  })
})

it('a variable by which the command is started cannot be sealed', async () => {
  const { run } = makeProgram({ secrets: { NODE_OPTIONS: {} } }, { NODE_OPTIONS: '--title=canary', PATH: process.env['PATH'] ?? '' })
  const { code, stdout, stderr } = await run(['run', '--sealed', '--no-redact', '--', 'env'])
  expect([code, stdout]).toEqual([64, ''])
  expect(stderr).toContain('NODE_OPTIONS must be in the environment, so it cannot be sealed')
  expect(stderr).not.toContain('canary')
})
