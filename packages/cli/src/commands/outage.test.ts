import { beforeAll, describe, expect, it, vi } from 'vitest'
import { localConfig, makeProgram, type Outcome, programIn } from '../testing/run-program.ts'

const canary = 'canary-4711'
/** Its first store cannot be reached. */
const config = {
  provider: 'vault',
  fallbacks: ['env'],
  vault: { url: 'http://127.0.0.1:1', token: { variable: 'VAULT_TOKEN' } },
  secrets: { TOKEN: {}, URL: { name: 'DB', type: 'url' } },
}
const program = makeProgram(config, { TOKEN: canary, DB: `${canary}-not-a-url`, VAULT_TOKEN: 'x' })
const why = "'vault' could not be asked (UNAVAILABLE); this value is from 'env'"

function json({ stdout }: Outcome): unknown {
  return JSON.parse(stdout)
}

beforeAll(() => void vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)) // core's own, once an outage

describe('while the first store is unreachable, and a later one answers', () => {
  it('check names the secrets and the reason, also of a value that is not as declared', async () => {
    const outcome = await program.run(['check'])
    expect(outcome.stderr).toBe(`warning: TOKEN: ${why}\nwarning: URL: ${why}\n`)
    expect(outcome.stdout).toBe('TOKEN\tok\tenv\t\nURL\twrong\tenv\tit is no URL (type url)\n')
    expect(json(await program.run(['check', '--json']))).toEqual([
      { name: 'TOKEN', state: 'ok', provider: 'env', degraded: true, stale: false },
      expect.objectContaining({ name: 'URL', state: 'wrong', provider: 'env', degraded: true, stale: false }),
    ])
  })

  it('get says it', async () => {
    const outcome = await program.run(['get', 'TOKEN'])
    expect(outcome).toEqual({ code: 0, stdout: canary, stderr: `warning: ${why}\n` })
    expect(json(await program.run(['get', 'TOKEN', '--json']))).toMatchObject({ degraded: true, stale: false })
  })

  it('export names what it wrote', async () => {
    const outcome = await program.run(['export', '--format', 'dotenv', '--output', 'out.env'])
    expect(outcome.stderr).toContain(`warning: TOKEN: ${why}\nwarning: URL: ${why}\n`)
    const asJson = await program.run(['export', '--format', 'dotenv', '--output', 'out.env', '--force', '--json'])
    expect(json(asJson)).toEqual({ format: 'dotenv', names: ['TOKEN', 'URL'], degraded: ['TOKEN', 'URL'], stale: [] })
    expect(outcome.stderr + asJson.stderr).not.toContain(canary)
  })

  it('versions says it', async () => {
    const local = makeProgram({ ...config, fallbacks: ['local'], local: localConfig.local }, { VAULT_TOKEN: 'x' })
    const alone = { APP_KEY: local.key, VAULT_TOKEN: 'x', FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_SECRETS_FALLBACKS: '' }
    expect((await programIn(local.folder, alone).run(['set', 'TOKEN'], canary)).code).toBe(0)
    const outcome = await local.run(['versions', 'TOKEN'])
    expect([outcome.code, outcome.stderr]).toEqual([0, "warning: an earlier provider could not be asked; this value is from 'local'\n"])
    expect(json(await local.run(['versions', 'TOKEN', '--json']))).toMatchObject({ provider: 'local', degraded: true })
  })

  it('scan says which values it did not look for', async () => {
    const outcome = await program.run(['scan', '--only-values', 'finchat-secrets.config.json'])
    expect(outcome.stderr).toContain(`warning: TOKEN: ${why}\n`)
    const asJson = await program.run(['scan', '--only-values', '--json', 'finchat-secrets.config.json'])
    expect(json(asJson)).toMatchObject({ outdated: ['TOKEN', 'URL'] })
  })
})

it('check and export say nothing of a value of the first provider', async () => {
  const sound = makeProgram({ provider: 'env', secrets: { TOKEN: {} } }, { TOKEN: canary })
  expect(await sound.run(['check', '--json'])).toMatchObject({ stderr: '', stdout: expect.stringContaining('"degraded":false') })
  expect((await sound.run(['export', '--format', 'json', '--output', 'out.json'])).stderr).toBe(
    '1 secret is written; only you may read the file\n',
  )
})
