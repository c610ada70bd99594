import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { awsCall, type OpenBao, startAwsStub, startOpenBao, testAccount } from '@finchat/secrets-test-servers'
import { describeWithServer, serverThat, useMoto } from '@finchat/secrets-test-servers/vitest'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Finding } from './doctor/finding.ts'
import { openProgram } from './testing/pseudo-terminal.ts'
import { findingsOf, localConfig, makeProgram, type Outcome } from './testing/run-program.ts'

const canary = 'canary-4711'
const secrets = { 'app/db': { field: 'password' }, 'app/none': { required: false } }

/** Each finding as its status, what it says, and its remedy; without times and addresses. */
function table(findings: Readonly<Record<string, Finding>>): Readonly<Record<string, string>> {
  const shown = ({ status, finding, remedy }: Finding): string => [status, finding, ...(remedy === undefined ? [] : [remedy])].join(' | ')
  const timeless = (text: string): string => text.replace(/in \d+ ms/, 'in N ms').replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')
  return Object.fromEntries(Object.entries(findings).map(([check, finding]) => [check, timeless(shown(finding))]))
}

describeWithServer('openbao', 'doctor of Vault', () => {
  let bao: OpenBao
  beforeAll(async () => {
    bao = await startOpenBao()
    await bao.api('POST', 'secret/data/app/db', { data: { password: canary } })
  })
  afterAll(() => bao.stop())

  async function tokenWith(policy: string, more: object = {}): Promise<string> {
    const name = `p-${crypto.randomUUID()}`
    await bao.api('PUT', `sys/policies/acl/${name}`, { policy: policy || 'path "none" { capabilities = ["read"] }' })
    const { auth } = await bao.api<{ auth: { client_token: string } }>('POST', 'auth/token/create', {
      policies: [name],
      ttl: '1h',
      ...more,
    })
    return auth.client_token
  }

  async function doctor(token: string, url: string = bao.url, ...flags: string[]): Promise<Outcome> {
    const config = { provider: 'vault', fallbacks: [], vault: { url, token: { variable: 'T' } }, secrets }
    const outcome = await makeProgram(config, { T: token }).run(['doctor', '--json', ...flags])
    expect(outcome.stdout + outcome.stderr).not.toContain(canary)
    expect(outcome.stdout + outcome.stderr).not.toContain(token)
    return outcome
  }

  const reading = 'path "secret/data/app/*" { capabilities = ["read"] }'
  const listing = 'path "secret/metadata/*" { capabilities = ["list", "read"] }'

  it.each([
    ['reads alone', reading, 0],
    ['reads and lists', `${reading}\n${listing}`, 0],
    ['reads nothing', '', 77],
  ])('with a token that %s', async (_, policy, code) => {
    const outcome = await doctor(await tokenWith(policy))
    expect(table(findingsOf(outcome, 'vault'))).toMatchSnapshot()
    expect(outcome.code).toBe(code)
  })

  it('with a token that Vault does not know', async () => {
    const outcome = await doctor('hvs.unknown-token-000000')
    expect(table(findingsOf(outcome, 'vault'))).toMatchSnapshot()
    expect(outcome.code).toBe(77)
  })

  it('with a revoked token', async () => {
    const token = await tokenWith(reading)
    await bao.api('POST', 'auth/token/revoke', { token })
    const outcome = await doctor(token)
    expect(findingsOf(outcome, 'vault')).toMatchObject({
      reachable: { status: 'ok' },
      authentication: { status: 'fail', code: 'UNAUTHENTICATED' },
    })
    expect(outcome.code).toBe(77)
  })

  it('that is sealed', async () => {
    const own = await startOpenBao()
    onTestFinished(() => own.stop())
    const token = own.rootToken
    await own.api('PUT', 'sys/seal')
    const outcome = await doctor(token, own.url)
    expect(table(findingsOf(outcome, 'vault'))).toMatchSnapshot()
    expect(outcome.code).toBe(69)
  })

  it('by TLS at a plain port, and by plain HTTP at another machine', async () => {
    const token = await tokenWith(reading)
    const [tls, plain] = await Promise.all([doctor(token, bao.url.replace('http:', 'https:')), doctor(token, 'http://vault.invalid:8200')])
    expect(table(findingsOf(tls, 'vault'))).toMatchSnapshot('TLS')
    expect(table(findingsOf(plain, 'vault'))).toMatchSnapshot('plain')
    expect([tls.code, plain.code]).toEqual([expect.any(Number), 70])
  })

  it('at a wrong address, and of an authority that is not known', async () => {
    const token = await tokenWith(reading)
    const own = await startOpenBao({ tls: true })
    onTestFinished(() => own.stop())
    const [nowhere, unknown] = await Promise.all([doctor(token, 'http://127.0.0.1:1'), doctor(token, own.url)])
    expect(table(findingsOf(nowhere, 'vault'))).toMatchSnapshot('no server')
    expect(table(findingsOf(unknown, 'vault'))).toMatchSnapshot('unknown authority')
    expect(nowhere.code).toBe(69)
  })

  it('with the right to write, by a probe that is gone afterwards', async () => {
    const outcome = await doctor(bao.rootToken, bao.url, '--write')
    expect(findingsOf(outcome, 'vault')).toMatchObject({ 'write probe': { status: 'ok' }, 'clean-up': { status: 'ok' } })
    expect(findingsOf(outcome, 'vault')['write access']).toMatchObject({ status: 'warn', finding: expect.stringContaining('root token') })
    const { data } = await bao.api<{ data: { keys: string[] } }>('GET', 'secret/metadata/?list=true')
    expect(data.keys).toEqual(['app/'])
  })

  it('without the right to write, whose probe leaves nothing', async () => {
    const outcome = await doctor(await tokenWith(`${reading}\n${listing}`), bao.url, '--write')
    expect(findingsOf(outcome, 'vault')['write probe']).toMatchObject({ status: 'fail', code: 'PERMISSION_DENIED' })
    expect(outcome.code).toBe(77)
  })
})

describe('doctor of a store that hangs', () => {
  it('ends its probes if the store hangs, all at the same time', async () => {
    const url = await serverThat(() => undefined)
    const config = {
      provider: 'vault',
      fallbacks: ['kubernetes'],
      vault: { url, token: { variable: 'T' } },
      kubernetes: { url, token: { variable: 'T' } },
    }
    const startedAt = performance.now()
    const outcome = await makeProgram(config, { T: canary }).run(['doctor', '--json'])
    expect(performance.now() - startedAt).toBeLessThan(9_000)
    for (const name of ['vault', 'kubernetes'])
      expect(findingsOf(outcome, name)).toMatchObject({
        reachable: { status: 'fail' },
        read: { status: 'not checked' },
        clock: { status: 'not checked' },
      })
    expect(outcome.code).toBe(69)
    expect(outcome.stdout).not.toContain(canary)
  })
})

describeWithServer('moto', 'doctor of AWS', () => {
  const servers = useMoto()
  const former = { ...process.env }
  const none = { AWS_EC2_METADATA_DISABLED: 'true', AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_CONFIG_FILE: '/dev/null' }
  const { accessKeyId, secretAccessKey } = testAccount.credentials
  const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
  beforeEach(() => void Object.assign(process.env, none, keys))
  afterEach(() => void (process.env = { ...former }))

  async function doctor(config: object = {}, url: string = servers.stub().url, ...flags: string[]): Promise<Outcome> {
    process.env['AWS_ENDPOINT_URL'] = url
    const region = testAccount.region
    const whole = {
      provider: 'aws',
      fallbacks: ['ssm'],
      aws: { region },
      ssm: { region, prefix: '/app/' },
      secrets: { db: {}, none: {} },
      ...config,
    }
    const outcome = await makeProgram(whole, { AWS_ENDPOINT_URL: url }).run(['doctor', '--json', ...flags])
    expect(outcome.stdout + outcome.stderr).not.toContain(canary)
    expect(outcome.stdout + outcome.stderr).not.toContain(secretAccessKey)
    return outcome
  }

  it('with rights', async () => {
    await awsCall({ url: servers.moto().url, service: 'secretsmanager' }, 'CreateSecret', { Name: 'db', SecretString: canary })
    await awsCall({ url: servers.moto().url, service: 'ssm' }, 'PutParameter', { Name: '/app/db', Value: canary, Type: 'SecureString' })
    const outcome = await doctor()
    expect(table(findingsOf(outcome, 'aws'))).toMatchSnapshot('aws')
    expect(table(findingsOf(outcome, 'ssm'))).toMatchSnapshot('ssm')
    expect(outcome.code).toBe(0)
  })

  it('whose rights to write are tried, if that is wanted, and not asked for once more', async () => {
    const findings = findingsOf(await doctor({ fallbacks: [] }, undefined, '--write'), 'aws')
    expect(findings['write access']).toBeUndefined()
    expect(findings['write probe']).toBeDefined()
  })

  it('without credentials', async () => {
    for (const name of Object.keys(keys)) delete process.env[name]
    const outcome = await doctor()
    for (const name of ['aws', 'ssm'])
      expect(findingsOf(outcome, name)).toMatchObject({
        authentication: { status: 'fail', code: 'CREDENTIALS_MISSING' },
        clock: { status: 'ok' },
      })
    expect(outcome.code).toBe(77)
  })

  it('with a region that there is none', async () => {
    const outcome = await doctor({ aws: { region: 'not a region' } })
    expect(findingsOf(outcome, 'aws')['configuration']).toMatchObject({ status: 'fail', finding: expect.stringContaining('region') })
    expect(findingsOf(outcome, 'ssm')['reachable']?.status).toBe('ok')
  })

  it.each([
    ['ThrottlingException', 69],
    ['AccessDeniedException', 77],
    ['UnrecognizedClientException', 77],
  ])('that answers %s', async (error, code) => {
    const stub = await startAwsStub({ error })
    onTestFinished(() => stub.stop())
    expect((await doctor({ fallbacks: [] }, stub.url)).code).toBe(code)
  })
})

describe('doctor on a terminal', () => {
  it('shows sections, and takes its progress away', async () => {
    const url = await serverThat((_, response) => void response.writeHead(503).end())
    const config = { ...localConfig, fallbacks: ['vault'], vault: { url, token: { variable: 'T' } }, secrets: { TOKEN: {} } }
    const env = { APP_KEY: 'correct horse battery staple and more', T: 'hvs.x' }
    const program = makeProgram(config, env)
    chmodSync(join(program.folder, 'finchat-secrets.config.json'), 0o644)
    await program.run(['set', 'TOKEN'], canary)
    const where = { cwd: program.folder, env, columns: 120 }
    const terminal = openProgram(['doctor'], where)
    expect(await terminal.exitCode).not.toBe(0)
    const screen = (await terminal.screen())
      .replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')
      .replace(/^.*Node\.js: .*(\n +fix:.*)?/m, '  ok           Node.js: VERSION')
      .replaceAll(/\d+\.\d+\.\d+(?=,|$)/gm, 'VERSION')
    await expect(`${screen}\n`).toMatchFileSnapshot(fileURLToPath(new URL('testing/screens/doctor.txt', import.meta.url)))
    expect(terminal.output()).toMatch(/⠋ checking local, vault/)
    expect(screen).not.toContain('checking')
    expect(terminal.output()).not.toContain(canary)
  })
})
