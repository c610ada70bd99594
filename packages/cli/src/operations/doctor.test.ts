import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { initAuditFolder } from '@finchat/secrets-audit'
import { readAuditRecords } from '@finchat/secrets-audit/report'
import { generateKey } from '@finchat/secrets-provider-local'
import { serverThat } from '@finchat/secrets-test-servers/vitest'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Finding } from '../doctor/finding.ts'
import { keyringWith } from '../testing/fake-keyring.ts'
import { makeProject } from '../testing/make-project.ts'
import { findingsOf, localConfig, makeProgram, type Program, programIn } from '../testing/run-program.ts'

const canary = 'canary-4711'

const statuses = (findings: Readonly<Record<string, Finding>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(findings).map(([check, { status }]) => [check, status]))

/** A program whose file others cannot write, whatever the umask. */
function program(config: object, env: Record<string, string> = {}): Program {
  const made = makeProgram(config, env)
  chmodSync(join(made.folder, 'finchat-secrets.config.json'), 0o644)
  return made
}

describe('doctor of a local store', () => {
  it('finds nothing wrong, writes nothing and shows no value', async () => {
    const made = program({ ...localConfig, secrets: { TOKEN: {}, NOPE: { required: false } } })
    await made.run(['set', 'TOKEN'], canary)
    const outcome = await made.run(['doctor', '--json'])
    expect(outcome).toMatchObject({ code: 0, stderr: '' })
    expect(statuses(findingsOf(outcome, 'local'))).toEqual({
      configuration: 'ok',
      'key strength': 'ok',
      open: 'ok',
      read: 'ok',
      list: 'ok',
      versions: 'ok',
      'write access': 'ok',
      watch: 'ok',
    })
    expect(findingsOf(outcome, 'local')['read']?.finding).toMatch(/^1 of 2 declared secrets can be read.*; not here: NOPE$/)
    expect(outcome.stdout).not.toContain(canary)
    expect(outcome.stdout).not.toContain(made.key)
    expect((await made.run(['list'])).stdout).toBe('TOKEN\tTOKEN\tlocal\t\n')
  })

  it.each<[string, object, Record<string, string>]>([
    ['a file', { key: { file: 'key' } }, {}],
    ['a file that a variable names', {}, { FINCHAT_ENCRYPTION_KEY_FILE: 'key' }],
    ['the keychain', { key: { keychain: 'app' } }, {}],
    ['the keychain, by a variable', {}, { FINCHAT_ENCRYPTION_KEY_KEYCHAIN: 'app' }],
  ])('finds nothing wrong with a random key in %s', async (_, local, variables) => {
    const key = generateKey()
    const config = JSON.stringify({ provider: 'local', local: { path: ':memory:', ...local } })
    const files = { 'package.json': '{}', 'finchat-secrets.config.json': config, key, ...keyringWith({ app: key }) }
    const folder = makeProject(files)
    onTestFinished(() => rmSync(folder, { recursive: true }))
    chmodSync(join(folder, 'key'), 0o600)
    const env = { ...variables, ...('FINCHAT_ENCRYPTION_KEY_FILE' in variables && { FINCHAT_ENCRYPTION_KEY_FILE: join(folder, 'key') }) }
    const outcome = await programIn(folder, env).run(['doctor', '--json'])
    expect(findingsOf(outcome, 'local')).toMatchObject({ 'key strength': { status: 'ok' }, open: { status: 'ok' } })
    expect(outcome.stdout).not.toContain(key)
  })

  it('reads the keychain entry that a variable names, and none of another store', async () => {
    const folder = makeProject({ 'package.json': '{}', ...keyringWith({ app: generateKey() }) })
    const env = {
      FINCHAT_SECRETS_PROVIDER: 'local',
      FINCHAT_ENCRYPTION_KEY_KEYCHAIN: 'app',
      FINCHAT_VAULT_TOKEN_KEYCHAIN: 'nope',
      FINCHAT_LOCAL_PATH: join(folder, '.secrets.db'),
    }
    const outcome = await programIn(folder, env).run(['doctor', '--json'])
    expect(statuses(findingsOf(outcome, 'local'))).toMatchObject({ configuration: 'ok', 'key strength': 'ok', open: 'ok' })
  })

  it('names a policy that `rotate --due` would refuse, and asks no target', async () => {
    const target = { kind: 'redis', urls: ['redis://127.0.0.1:1'], administrator: 'a', password: { variable: 'NOPE' }, user: 'u' }
    const outcome = await program({ rotation: { A: { every: '1d', graceSeconds: 86_400, target }, B: { every: '1d', target } } }).run([
      'doctor',
      '--json',
    ])
    const finding = 'rotation.A: `graceSeconds` is longer than the time between two rotations (CONFIGURATION)'
    expect(findingsOf(outcome, 'machine')['rotation']).toMatchObject({
      status: 'fail',
      finding,
      remedy: 'rotate less often, or shorten it',
    })
    expect(outcome.code).toBe(70)
    const right = await program({ rotation: { A: { every: '1d', target } } }).run(['doctor', '--json'])
    expect(findingsOf(right, 'machine')['rotation']).toEqual({ status: 'ok', check: 'rotation', finding: '1 policy can be used' })
  })

  it('has a filter in its help that leaves each problem, whatever words are in it', async () => {
    const made = program({ ...localConfig, fallbacks: ['vault'], vault: { url: 'http://127.0.0.1:1', token: { variable: 'TOKEN_OK' } } })
    const { stdout: help } = await made.run(['doctor', '--help'])
    const [, filter = ''] = /\| (awk .*'\$2 != "ok"')/.exec(help) ?? []
    const { stdout } = await made.run(['doctor'])
    const left = execFileSync('/bin/sh', ['-c', filter], { input: stdout, encoding: 'utf8' })
    const wanted = stdout.split('\n').filter((line) => line !== '' && line.split('\t')[1] !== 'ok')
    expect(left.split('\n').filter(Boolean)).toEqual(wanted)
    expect(left).toMatch(/^vault\tfail\t.*token/m)
    expect(left).not.toContain('\tok\t')
  })

  it('makes no store where there is none', async () => {
    const made = program(localConfig)
    expect((await made.run(['doctor'])).code).toBe(0)
    expect(existsSync(join(made.folder, '.secrets.db'))).toBe(false)
  })

  it('prints a line for each finding in a pipe, with five columns', async () => {
    const made = program({ ...localConfig, fallbacks: ['kubernetes'], cacheTtl: -1, nope: 1 })
    const { stdout, stderr } = await made.run(['doctor'])
    const rows = stdout.trimEnd().split('\n')
    expect(stderr).toBe('')
    expect(rows.filter((row) => !/^(machine|local|kubernetes)\t(ok|warn|fail|not checked)\t[^\t]+\t[^\t]+\t[^\t]*$/.test(row))).toEqual([])
    expect(stdout).toContain('kubernetes\tfail\tconfiguration\t')
    expect(stdout).not.toContain('\\u{')
  })

  it('tells another key by exit code, with its remedy and without the key', async () => {
    const made = program({ ...localConfig, secrets: { TOKEN: {} } })
    await made.run(['set', 'TOKEN'], canary)
    const other = generateKey()
    writeFileSync(join(made.folder, 'other.json'), JSON.stringify({ ...localConfig, local: { key: { file: 'key' } } }))
    writeFileSync(join(made.folder, 'key'), other, { mode: 0o600 })
    const outcome = await made.run(['doctor', '--json', '--config', 'other.json'])
    const { open } = findingsOf(outcome, 'local')
    expect(open).toMatchObject({ status: 'fail', check: 'open', remedy: expect.stringMatching(/./) })
    expect(findingsOf(outcome, 'local')['read']).toMatchObject({ status: 'not checked' })
    expect(outcome.code).toBeGreaterThan(64)
    expect(outcome.stdout).not.toContain(other)
  })

  it('judges a key that is in a file, whatever its line end', async () => {
    const made = program({ provider: 'local', fallbacks: [], local: { key: { file: 'key' } } })
    const key = generateKey()
    for (const lineEnd of ['', '\n', '\r\n']) {
      writeFileSync(join(made.folder, 'key'), key + lineEnd, { mode: 0o600 })
      const outcome = await made.run(['doctor', '--json'])
      expect(findingsOf(outcome, 'local')['key strength']).toMatchObject({ status: 'ok' })
      expect(outcome.stdout).not.toContain(key)
    }
  })

  it('warns of a passphrase, which fails only if it is strict', async () => {
    const passphrase = `${canary} horse battery staple and more`
    const made = program({ ...localConfig, local: { key: { variable: 'OWN' } } }, { OWN: passphrase })
    const outcome = await made.run(['doctor', '--json'])
    expect(findingsOf(outcome, 'local')['key strength']).toMatchObject({
      status: 'warn',
      remedy: expect.stringContaining('finchat-secrets keygen'),
    })
    expect([outcome.code, (await made.run(['doctor', '--strict'])).code]).toEqual([0, 1])
    expect(outcome.stdout).not.toContain(canary)
  })

  it('tells a store with bytes of another program', async () => {
    const made = program({ ...localConfig, secrets: { TOKEN: {} } })
    writeFileSync(join(made.folder, '.secrets.db'), 'no database'.repeat(500), { mode: 0o644 })
    const outcome = await made.run(['doctor', '--json'])
    expect(findingsOf(outcome, 'local')['open']?.status).toBe('fail')
    expect(findingsOf(outcome, 'machine')['store file']).toMatchObject({ status: 'warn', remedy: 'chmod 600 .secrets.db' })
  })

  it('writes, reads and deletes a probe if it is asked to, and tells its name before', async () => {
    const made = program(localConfig)
    const outcome = await made.run(['doctor', '--json', '--write'])
    const [, name] = /writes (finchat-doctor-\S+) at local, env, and deletes it again/.exec(outcome.stderr) ?? []
    expect(findingsOf(outcome, 'local')).toMatchObject({
      'write probe': { status: 'ok', finding: `${name} was written and read back` },
      'clean-up': { status: 'ok' },
    })
    expect(findingsOf(outcome, 'env')['write probe']?.status).toBe('not checked')
    expect((await made.run(['list'])).stdout).toBe('')
  })

  it('writes no probe under names that the provider is not asked for', async () => {
    const made = program({ ...localConfig, local: { ...localConfig.local, names: { TOKEN: 'token' }, onlyNamed: true } })
    expect(findingsOf(await made.run(['doctor', '--json', '--write']), 'local')['write probe']?.status).toBe('not checked')
  })
})

describe('doctor of a broken configuration', () => {
  it.each([
    ['no JSON', '{"provider": "local"', { env: 'ok' }],
    ['no object', '[]', { env: 'ok' }],
    [
      'a wrong member beside right ones',
      '{"provider":"local","local":{"key":{"variable":"APP_KEY"}},"cacheTtl":-1,"nope":1}',
      { local: 'ok', env: 'ok' },
    ],
    [
      'a wrong section beside right ones',
      '{"provider":"local","fallbacks":["vault"],"local":{"key":{"variable":"APP_KEY"}},"vault":{"token":"x"}}',
      { local: 'ok', vault: 'fail' },
    ],
  ])('with %s goes on with the rest', async (_, text, expected) => {
    const made = program({})
    writeFileSync(join(made.folder, 'finchat-secrets.config.json'), text)
    const outcome = await made.run(['doctor', '--json'])
    expect(outcome).toMatchObject({ code: 70, stderr: '' })
    expect(findingsOf(outcome, 'machine')['configuration']).toMatchObject({ status: 'fail', code: 'CONFIGURATION' })
    const found = Object.keys(expected).map((name) => [name, findingsOf(outcome, name)['configuration']?.status])
    expect(Object.fromEntries(found)).toEqual(expected)
  })

  it('with one credential missing checks the others', async () => {
    const made = program({ ...localConfig, fallbacks: ['vault', 'age'], vault: { url: 'http://127.0.0.1:1', token: { variable: 'NOPE' } } })
    const outcome = await made.run(['doctor', '--json'])
    expect(findingsOf(outcome, 'vault')['configuration']).toMatchObject({
      status: 'fail',
      code: 'CREDENTIALS_MISSING',
      remedy: expect.stringContaining('NOPE'),
    })
    expect(findingsOf(outcome, 'age')['configuration']).toMatchObject({ status: 'fail', code: 'CONFIGURATION' })
    expect(findingsOf(outcome, 'local')['open']?.status).toBe('ok')
    expect(outcome.code).toBe(77)
  })

  it('with an unknown provider in a variable says which there are', async () => {
    const outcome = await program({}, { FINCHAT_SECRETS_PROVIDER: 'valt' }).run(['doctor', '--json'])
    expect(findingsOf(outcome, 'valt')['configuration']?.finding).toContain('vault')
    expect(findingsOf(outcome, 'env')['open']?.status).toBe('ok')
  })

  it('with a broken audit trail reads no secret, and checks the rest', async () => {
    const made = program({ ...localConfig, secrets: { TOKEN: {} }, audit: { folder: 'none' } })
    const outcome = await made.run(['doctor', '--json'])
    expect(findingsOf(outcome, 'machine')['audit']?.status).toBe('fail')
    expect(findingsOf(outcome, 'local')).toMatchObject({ open: { status: 'ok' }, read: { status: 'not checked' } })
    expect(readdirSync(made.folder)).not.toContain('.secrets.db')
  })

  it('with an audit trail records what it reads', async () => {
    const made = program({ ...localConfig, secrets: { TOKEN: {} }, audit: { folder: 'audit' } })
    await initAuditFolder(join(made.folder, 'audit'))
    await made.run(['set', 'TOKEN'], canary)
    const outcome = await made.run(['doctor', '--json'])
    expect(findingsOf(outcome, 'machine')['audit']).toMatchObject({ status: 'ok', finding: 'a record was written to the audit trail' })
    const recorded: string[] = []
    for await (const { operation, name } of readAuditRecords(join(made.folder, 'audit'))) recorded.push(`${operation} ${name}`)
    expect(recorded).toEqual(expect.arrayContaining(['health *', 'get TOKEN']))
  })

  it('leaves no record of a failed read for a name that another provider of the chain has, or none', async () => {
    const secrets = { TOKEN: {}, OTHER: {}, NOPE: { required: false } }
    const made = program({ ...localConfig, fallbacks: ['env'], secrets, audit: { folder: 'audit' } }, { OTHER: canary })
    await initAuditFolder(join(made.folder, 'audit'))
    await made.run(['set', 'TOKEN'], canary)
    expect((await made.run(['doctor', '--json'])).code).toBe(0)
    const reads: string[] = []
    for await (const { operation, name, provider, outcome } of readAuditRecords(join(made.folder, 'audit')))
      if (operation === 'get') reads.push(`${name} ${provider} ${outcome}`)
    expect(reads.toSorted()).toEqual(['OTHER env ok', 'TOKEN local ok'])
  })

  it.each([
    ['FINCHAT_SECRET_PROVIDER', 'warn'],
    ['FINCHAT_VAULT_TOKNE', 'warn'],
    ['FINCHAT_TOKEN', undefined],
    ['FINCHAT_LOCAL_PATHS', undefined], // declared
  ])('with the variable %s gives %s, without its value', async (name, status) => {
    const outcome = await program({ ...localConfig, secrets: { FINCHAT_LOCAL_PATHS: {} } }, { [name]: canary }).run(['doctor', '--json'])
    expect(findingsOf(outcome, 'machine')['variables']?.status).toBe(status)
    expect(outcome.stdout).not.toContain(canary)
  })

  it('refuses a provider that is not in the chain', async () => {
    expect(await program(localConfig).run(['doctor', '--provider', 'vault'])).toMatchObject({ code: 64, stdout: '' })
    expect((await program(localConfig).run(['doctor', '--processes', '0'])).code).toBe(64)
  })
})

describe('doctor of a store that is far away', () => {
  it('tells a token that Kubernetes refuses', async () => {
    const url = await serverThat(
      (_, response) =>
        void response.writeHead(401, { 'content-type': 'application/json' }).end('{"kind":"Status","code":401,"reason":"Unauthorized"}'),
    )
    const config = { provider: 'kubernetes', kubernetes: { url, token: { variable: 'T' }, namespace: 'default' } }
    const outcome = await program(config, { T: canary }).run(['doctor', '--json'])
    expect(findingsOf(outcome, 'kubernetes')).toMatchObject({
      reachable: { status: 'ok' },
      authentication: { status: 'fail', code: 'UNAUTHENTICATED' },
    })
    expect(outcome.code).toBe(77)
  })

  it('lists what the roles of Kubernetes do not allow, with the rights', async () => {
    const url = await serverThat(kubernetes)
    const config = {
      provider: 'kubernetes',
      kubernetes: { url, token: { variable: 'T' }, namespace: 'default' },
      secrets: { db: {}, none: {} },
    }
    const outcome = await program(config, { T: canary }).run(['doctor', '--json'])
    expect(findingsOf(outcome, 'kubernetes')).toMatchObject({
      read: { status: 'ok', finding: expect.stringContaining('1 of 2') },
      list: { status: 'warn', code: 'PERMISSION_DENIED' },
      'write access': {
        status: 'ok',
        finding: 'allowed: purge, watch; not allowed: write',
        remedy: 'only if this process needs it, allow write: "patch" on secrets "db" of namespace "default"',
      },
      clock: { status: 'ok' },
      cost: { status: 'ok' },
    })
    expect(outcome).toMatchObject({ code: 0 })
  })
})

const base64Canary = Buffer.from(canary).toString('base64')

/** An API server with one Secret, whose roles refuse to list, patch and create. */
const kubernetes: RequestListener = (request, response) => {
  const denied = ['list', 'patch', 'create']
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const { url = '' } = request
    const answer = (status: number, body: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body))
    if (url === '/readyz') return answer(200, 'ok')
    if (url.endsWith('selfsubjectaccessreviews')) {
      const { spec } = JSON.parse(Buffer.concat(chunks).toString()) // of our provider
      return answer(201, { kind: 'SelfSubjectAccessReview', status: { allowed: !denied.includes(spec.resourceAttributes.verb) } })
    }
    const metadata = { name: 'db', namespace: 'default', uid: 'u-1', resourceVersion: '7', creationTimestamp: '2026-11-01T00:00:00Z' }
    if (url.endsWith('/secrets/db')) return answer(200, { apiVersion: 'v1', kind: 'Secret', metadata, data: { value: base64Canary } })
    if (url.endsWith('/secrets/none'))
      return answer(404, { kind: 'Status', code: 404, reason: 'NotFound', details: { name: 'none', kind: 'secrets' } })
    return answer(403, { kind: 'Status', code: 403, reason: 'Forbidden' })
  })
}
