import { createSign, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecretsManager } from '@finchat/secrets-core'
import { type OpenBao, startHttpProxy, startOpenBao, startTcpProxy } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { appRole } from './auth/app-role.ts'
import { awsIam, type AwsIamOptions } from './auth/aws-iam.ts'
import { cert } from './auth/cert.ts'
import { jwt, kubernetes } from './auth/jwt.ts'
import { tokenAuth, tokenFile } from './auth/token.ts'
import { userpass } from './auth/userpass.ts'
import type { VaultAuth } from './auth/vault-auth.ts'
import type { VaultProviderOptions } from './options.ts'
import { byAppRole, canaries, codeOf, context, failure, stubbed, stubVault, timesAsked } from './testing/stub-vault.ts'
import { writePolicy } from './testing/vault-harness.ts'
import { type VaultProvider, vaultProvider } from './vault-provider.ts'

describeWithServer('openbao', 'logging in to OpenBao', () => {
  let bao: OpenBao
  beforeAll(async () => {
    bao = await startOpenBao()
    await writePolicy(bao, 'reader', 'path "secret/*" { capabilities = ["read"] }')
    await bao.api('POST', 'secret/data/app', { data: { value: 'v1' } })
    for (const type of ['approle', 'userpass', 'jwt', 'kubernetes']) await bao.api('POST', `sys/auth/${type}`, { type })
    await bao.api('POST', 'auth/approle/role/app', { token_policies: ['reader'], secret_id_num_uses: 0 })
  })
  afterAll(() => bao.stop())

  function providerWith(auth: VaultProviderOptions['auth']): VaultProvider {
    const provider = vaultProvider({ url: bao.url, auth })
    onTestFinished(() => provider.close())
    return provider
  }

  async function reads(auth: VaultProviderOptions['auth']): Promise<void> {
    expect((await providerWith(auth).get('app', context))?.value).toBe('{"value":"v1"}')
  }

  async function roleId(): Promise<string> {
    return (await bao.api<{ data: { role_id: string } }>('GET', 'auth/approle/role/app/role-id')).data.role_id
  }

  async function secretId(): Promise<string> {
    return (await bao.api<{ data: { secret_id: string } }>('POST', 'auth/approle/role/app/secret-id')).data.secret_id
  }

  test('with an AppRole, whose token is revoked at the end and no other', async () => {
    const tokens = async (): Promise<number> =>
      (await bao.api<{ data: { keys: string[] } }>('GET', 'auth/token/accessors?list=true')).data.keys.length
    const before = await tokens()
    const provider = providerWith(appRole({ roleId: await roleId(), secretId: await secretId() }))
    await Promise.all(Array.from({ length: 20 }, () => provider.get('app', context)))
    expect(await tokens()).toBe(before + 1)
    await provider.close()
    expect(await tokens()).toBe(before)
  })

  test('with an AppRole, again when its token was revoked', async () => {
    const provider = providerWith(appRole({ roleId: await roleId(), secretId }))
    await provider.get('app', context)
    const { data } = await bao.api<{ data: { keys: string[] } }>('GET', 'auth/token/accessors?list=true')
    const self = await bao.api<{ data: { accessor: string } }>('GET', 'auth/token/lookup-self')
    for (const accessor of data.keys.filter((key) => key !== self.data.accessor))
      await bao.api('POST', 'auth/token/revoke-accessor', { accessor })
    expect((await provider.get('app', context))?.value).toBe('{"value":"v1"}')
  })

  test.each([
    ['is answered after 1.2 s', { pass: 'whole', delayMs: 1_200 }, 'ok'],
    ['fails', { status: 503, body: { errors: ['Vault is sealed'] } }, 'UNAVAILABLE'],
  ] as const)('leaves no token alive at the end, though the login that is under way %s', async (_, reply, told) => {
    const tokens = async (): Promise<number> =>
      (await bao.api<{ data: { keys: string[] } }>('GET', 'auth/token/accessors?list=true')).data.keys.length
    const before = await tokens()
    const proxy = await startHttpProxy(bao.url)
    onTestFinished(proxy.stop)
    const provider = vaultProvider({ url: proxy.url, auth: appRole({ roleId: await roleId(), secretId: await secretId() }) })
    await provider.get('app', context)
    let isUnderWay = false
    proxy.plan(({ path, headers }) => {
      // The token in use is refused, so that another login replaces it.
      if (headers['x-vault-token'] !== undefined && !path.endsWith('revoke-self')) {
        return isUnderWay ? 'pass' : { status: 403, body: { errors: ['permission denied'] } }
      }
      isUnderWay ||= path.endsWith('login')
      return path.endsWith('login') ? reply : 'pass'
    })
    const reading = codeOf(provider.get('app', context))
    await expect.poll(() => isUnderWay).toBe(true)
    await provider.close()
    expect(await tokens()).toBe(before)
    expect(['ABORTED', told]).toContain(await reading)
  })

  test('with a user name and a password', async () => {
    await bao.api('POST', 'auth/userpass/users/bob', { password: ' with spaces ', token_policies: ['reader'] })
    await reads(userpass({ username: 'bob', password: ' with spaces ' }))
    expect(await codeOf(providerWith(userpass({ username: 'bob', password: 'wrong' })).get('app', context))).toBe('UNAUTHENTICATED')
  })

  test('with a JSON Web Token, until it has expired', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    await bao.api('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [publicKey.export({ type: 'spki', format: 'pem' })] })
    await bao.api('POST', 'auth/jwt/role/ci', {
      role_type: 'jwt',
      user_claim: 'sub',
      bound_audiences: ['vault'],
      token_policies: ['reader'],
    })
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const signed = (exp: number): string => {
      const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ sub: 'ci', aud: 'vault', iat: exp - 900, exp })}`
      return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`
    }
    const now = Math.floor(Date.now() / 1000)
    await reads(jwt({ jwt: signed(now + 600), role: 'ci' }))
    expect(await codeOf(providerWith(jwt({ jwt: signed(now - 600), role: 'ci' })).get('app', context))).toBe('UNAUTHENTICATED')
  })

  test("with a pod's service account, whose token is read from its file again at each login", async () => {
    const status = {
      authenticated: true,
      user: { username: 'system:serviceaccount:pay:app', uid: 'u', groups: ['system:serviceaccounts'] },
    }
    const cluster = await startHttpProxy(undefined, {
      plan: {
        status: 201,
        headers: { 'content-type': 'application/json' },
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status },
      },
    })
    onTestFinished(cluster.stop)
    await bao.api('POST', 'auth/kubernetes/config', {
      kubernetes_host: cluster.url,
      token_reviewer_jwt: serviceAccountJwt('reviewer'),
      kubernetes_ca_cert: 'none, over http',
      disable_local_ca_jwt: true,
    })
    await bao.api('POST', 'auth/kubernetes/role/app', {
      bound_service_account_names: ['app'],
      bound_service_account_namespaces: ['pay'],
      token_policies: ['reader'],
    })
    const file = join(temporaryFolder(), 'token')
    const auth = kubernetes({ role: 'app', jwt: { file } })
    expect(await codeOf(providerWith(auth).get('app', context))).toBe('CREDENTIALS_MISSING')
    writeFileSync(file, `${serviceAccountJwt('app')}\n`)
    await reads(auth)
  })

  test("with a token, a file that an agent keeps, and a function of one's own", async () => {
    const file = join(temporaryFolder(), 'token')
    await reads(tokenAuth(bao.rootToken))
    await reads(async () => bao.rootToken)
    await reads(async () => ({ token: bao.rootToken, expiresAt: Date.now() + 1000 }))
    writeFileSync(file, 'hvs.refused')
    const provider = providerWith(tokenFile(file))
    expect(await codeOf(provider.get('app', context))).toBe('UNAUTHENTICATED')
    writeFileSync(file, `${bao.rootToken}\n`)
    expect(await codeOf(provider.get('app', context))).toBe('ok')
  })

  test('a role is not locked by a wrong secret id, however often it is asked with', async () => {
    const role = await roleId()
    const provider = providerWith(appRole({ roleId: role, secretId: 'wrong' }))
    for (let times = 0; times < 20; times += 1) expect(await codeOf(provider.get('app', context))).toBe('UNAUTHENTICATED')
    await reads(appRole({ roleId: role, secretId }))
  })

  test('a source that gives ever other wrong secret ids does not lock the role either', async () => {
    const role = await roleId()
    let n = 0
    const provider = providerWith(appRole({ roleId: role, secretId: () => `wrong-${(n += 1)}` }))
    for (let times = 0; times < 20; times += 1) expect(await codeOf(provider.get('app', context))).toBe('UNAUTHENTICATED')
    await reads(appRole({ roleId: role, secretId }))
  })

  test('after the server was away, and the token ended, the first read is answered', async () => {
    await bao.api('POST', 'auth/approle/role/short', { token_policies: ['reader'], token_ttl: '1s', token_max_ttl: '1s' })
    const { data } = await bao.api<{ data: { role_id: string } }>('GET', 'auth/approle/role/short/role-id')
    const made = await bao.api<{ data: { secret_id: string } }>('POST', 'auth/approle/role/short/secret-id')
    const proxy = await startTcpProxy(bao.url)
    onTestFinished(proxy.stop)
    const provider = vaultProvider({ url: proxy.url, auth: appRole({ roleId: data.role_id, secretId: made.data.secret_id }) })
    onTestFinished(() => provider.close())
    await provider.get('app', context)
    await proxy.refuse()
    for (let times = 0; times < 10; times += 1) {
      await sleep(200)
      if (times > 5) expect(await codeOf(provider.get('app', context))).toBe('UNAVAILABLE')
      else await Promise.allSettled([provider.get('app', context)])
    }
    await proxy.accept()
    const startedAt = performance.now()
    expect(await codeOf(provider.get('app', context))).toBe('ok')
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })

  test('a manager takes a token that replaced a refused one in its file after half a minute', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'finchat-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'token')
    writeFileSync(file, 'wrong')
    const secrets = createSecretsManager({ providers: [providerWith(tokenFile(file))] })
    onTestFinished(() => secrets.close())
    expect(await codeOf(secrets.getSecret('app'))).toBe('UNAUTHENTICATED')
    writeFileSync(file, bao.rootToken)
    expect(await codeOf(secrets.getSecret('app'))).toBe('UNAUTHENTICATED')
    const now = Date.now
    vi.spyOn(Date, 'now').mockImplementation(() => now() + 31_000)
    onTestFinished(() => void vi.restoreAllMocks())
    expect(await codeOf(secrets.getSecret('app'))).toBe('ok')
  })

  test('the error distinguishes a role locked by others from a wrong secret id', async () => {
    await bao.api('POST', 'auth/approle/role/locked', { token_policies: ['reader'] })
    const { data } = await bao.api<{ data: { role_id: string } }>('GET', 'auth/approle/role/locked/role-id')
    const made = await bao.api<{ data: { secret_id: string } }>('POST', 'auth/approle/role/locked/secret-id')
    const wrong = await failure(providerWith(appRole({ roleId: data.role_id, secretId: 'wrong' })).get('app', context))
    expect([wrong.message, wrong.storeStatus]).toEqual([expect.stringContaining('the credential is wrong'), '400'])
    for (let times = 1; times < 5; times += 1)
      await bao.api('POST', 'auth/approle/login', { role_id: data.role_id, secret_id: 'wrong' }).catch(() => {})
    const right = await failure(providerWith(appRole({ roleId: data.role_id, secretId: made.data.secret_id })).get('app', context))
    expect([right.code, right.message, right.storeStatus]).toEqual([
      'UNAUTHENTICATED',
      expect.stringContaining('may have locked out the role'),
      '403',
    ])
    expect(right.retryAt).toBeGreaterThan(Date.now())
  })

  test.each([
    ['the repeat of a login', 4_500],
    ['a later call', 500],
  ])('%s that is refused after a lost answer names a secret id of one use as a cause', async (_what, timeoutMs) => {
    await bao.api('POST', 'auth/approle/role/once', { token_policies: ['reader'], secret_id_num_uses: 1 })
    const { data } = await bao.api<{ data: { role_id: string } }>('GET', 'auth/approle/role/once/role-id')
    const made = await bao.api<{ data: { secret_id: string } }>('POST', 'auth/approle/role/once/secret-id')
    const proxy = await startHttpProxy(bao.url)
    onTestFinished(proxy.stop)
    let secret = made.data.secret_id
    const provider = vaultProvider({ url: proxy.url, timeoutMs, auth: appRole({ roleId: data.role_id, secretId: () => secret }) })
    onTestFinished(() => provider.close())
    let logins = 0
    proxy.plan(({ path }) => (path.endsWith('login') && (logins += 1) === 1 ? { pass: timeoutMs > 500 ? 'reset' : 'hang' } : 'pass'))
    if (timeoutMs === 500) expect(await codeOf(provider.get('app', context))).toBe('DEADLINE_EXCEEDED')
    const { code, message } = await failure(provider.get('app', context))
    expect([code, message, logins]).toEqual(['UNAUTHENTICATED', expect.stringMatching(/got no answer, and may have used it up/), 2])
    secret = (await bao.api<{ data: { secret_id: string } }>('POST', 'auth/approle/role/once/secret-id')).data.secret_id
    expect(await codeOf(provider.get('app', context))).toBe('ok')
  })

  test.each([1, 2, 3, 10])('with tokens of %i uses, parallel reads are all answered', async (uses) => {
    const held = async (): Promise<number> =>
      (await bao.api<{ data: { keys: string[] } }>('GET', 'auth/token/accessors?list=true')).data.keys.length
    const before = await held()
    await bao.api('POST', 'auth/approle/role/few', { token_policies: ['reader'], token_num_uses: uses })
    const { data } = await bao.api<{ data: { role_id: string } }>('GET', 'auth/approle/role/few/role-id')
    const made = await bao.api<{ data: { secret_id: string } }>('POST', 'auth/approle/role/few/secret-id')
    const provider = providerWith(appRole({ roleId: data.role_id, secretId: made.data.secret_id }))
    const codes = await Promise.all(Array.from({ length: 60 }, () => codeOf(provider.get('app', context))))
    expect(new Set(codes)).toEqual(new Set(['ok']))
    for (let times = 0; times < 2 * uses; times += 1) await provider.get('app', context)
    expect(await codeOf(provider.put('app', { value: 'v2' }, context))).toBe('PERMISSION_DENIED')
    expect(await codeOf(provider.get('app', context))).toBe('ok')
    await provider.close()
    await expect.poll(held).toBeLessThanOrEqual(before) // the server revokes used-up tokens in the background
  })
})

test('a missing or invalid credential is an error before anything is sent', async () => {
  const stub = await stubVault()
  const missing = join(temporaryFolder(), 'none')
  const cases = [
    [undefined, 'CREDENTIALS_MISSING'],
    [tokenAuth(''), 'CREDENTIALS_MISSING'],
    [tokenFile(missing), 'CREDENTIALS_MISSING'],
    [tokenFile(temporaryFolder()), 'CONFIGURATION'],
    [tokenAuth('two words'), 'CONFIGURATION'],
    [tokenAuth(() => 7 as unknown as string), 'CONFIGURATION'], // what JavaScript lets pass
    [async () => ({}) as { token: string }, 'CONFIGURATION'], // the same
    [
      () => {
        throw new Error('s.c4n4ry-of-the-token-Xq7Lm')
      },
      'UNAVAILABLE',
    ],
    [appRole({ roleId: 'r', secretId: { file: missing } }), 'CREDENTIALS_MISSING'],
  ] as const
  for (const [auth, code] of cases) expect(await codeOf(stubbed(stub, { auth }).get('app', context))).toBe(code)
  expect(stub.requests).toEqual([])
})

test('an `expiresAt` that is not in milliseconds is CONFIGURATION', async () => {
  const stub = await stubVault()
  const inAnHour = Date.now() + 3_600_000
  for (const expiresAt of [new Date(inAnHour), Math.floor(inAnHour / 1000), String(inAnHour), Number.NaN, Infinity, 0]) {
    const auth = async (): Promise<{ token: string; expiresAt: number }> => ({ token: canaries.token, expiresAt: expiresAt as number }) // what JavaScript lets pass
    const { code, message } = await failure(stubbed(stub, { auth }).get('app', context))
    expect([code, message]).toEqual(['CONFIGURATION', expect.stringContaining('multiply seconds by 1,000')])
  }
  expect(stub.requests).toEqual([])
  expect(await codeOf(stubbed(stub, { auth: async () => ({ token: canaries.token, expiresAt: inAnHour }) }).get('app', context))).toBe('ok')
})

test('the error of a refused login names its path and possible causes', async () => {
  const stub = await stubVault((path) => (path.includes('/auth/') ? { status: 400, body: { errors: ['no'] } } : undefined))
  const said = async (auth: VaultAuth): Promise<string> => (await failure(stubbed(stub, { auth }).get('app', context))).message
  expect(await said(byAppRole)).toMatch(/the login at auth\/approle[^/]/)
  expect(await said(userpass({ username: 'login', password: 'p', mount: 'people' }))).toMatch(/the login at auth\/people[^/]/)
  expect(await said(byAppRole)).toContain('the credential is wrong, or its role is not there, or there is no such method there')
})

test('all whose token is refused at the same time share one look at it, and one login', async () => {
  let isRevoked = false
  const refused = { status: 403, body: { errors: ['permission denied'] } }
  const stub = await stubVault()
  const metadata = { created_time: '2026-11-25T14:27:54Z', deletion_time: '', destroyed: false, version: 1 }
  const body = { request_id: 'r', data: { data: { value: 'v' }, metadata } }
  stub.plan(({ headers }) => (isRevoked && headers['x-vault-token'] === 'first' ? refused : { body }))
  let next = 'first'
  const provider = stubbed(stub, { auth: async () => next, kvVersion: 2 })
  await provider.get('app', context)
  const before = stub.requests.length
  isRevoked = true
  next = 'second'
  const paths = Array.from({ length: 50 }, (_, index) => `app-${index}`)
  expect(new Set(await Promise.all(paths.map((path) => codeOf(provider.get(path, context)))))).toEqual(new Set(['ok']))
  const asked = stub.requests.slice(before)
  expect(asked.filter(({ path }) => path.includes('/data/')).length).toBe(100)
  expect(timesAsked(stub, '/v1/sys/internal/ui/mounts')).toBeLessThanOrEqual(2)
})

test('a function that never returns holds a call to its deadline and no longer', async () => {
  const provider = stubbed(await stubVault(), { auth: () => new Promise<string>(() => {}), timeoutMs: 100 })
  expect(await codeOf(provider.get('app', context))).toBe('DEADLINE_EXCEEDED')
})

test('a token that was just got and is refused is tried again after 250 ms, for a standby may not know it yet', async () => {
  let refusals = 3 // of a request that shows the state of the cluster, the read, and the look at the token
  const refused = { status: 403, body: { errors: ['permission denied'] } }
  const stub = await stubVault((path) => (path.includes('/auth/') || (refusals -= 1) < 0 ? undefined : refused))
  expect(await codeOf(stubbed(stub, { auth: byAppRole, kvVersion: 2 }).get('app', context))).toBe('ok')
  expect(timesAsked(stub, '/v1/auth/approle/login')).toBe(2)
})

test('only the active node can refuse a token that a standby does not know for long', async () => {
  const index = (value: string): string => Buffer.from(`{"cluster":"c","value":"${value}"}`).toString('base64')
  const stub = await stubVault()
  const beyond = index(String(2n ** 64n - 1n))
  const metadata = { created_time: '2026-11-25T14:27:54Z', deletion_time: '', destroyed: false, version: 1 }
  const body = { request_id: 'r', data: { data: { value: 'v' }, metadata } }
  stub.plan(({ headers }) => {
    const isForActive = headers['x-vault-index'] === beyond && headers['x-vault-inconsistent'] === 'forward-active-node'
    if (isForActive || headers['x-vault-token'] === undefined) return { headers: { 'X-Vault-Index': index('7') }, body }
    return { status: 403, body: { errors: ['permission denied'] } }
  })
  expect(await codeOf(stubbed(stub, { kvVersion: 2 }).get('app', context))).toBe('ok')
})

test('a token whose life cannot be asked for is used all the same', async () => {
  const stub = await stubVault((path) => (path.endsWith('lookup-self') ? 'reset' : undefined))
  expect(await codeOf(stubbed(stub, { auth: tokenAuth(canaries.token) }).get('app', context))).toBe('ok')
})

test('a refusal that may be a policy or the token is neither while the server cannot tell', async () => {
  const denied = { status: 403, body: { errors: ['permission denied'] } }
  const stub = await stubVault((path) => {
    if (path.endsWith('ui/mounts')) return { status: 503, body: { errors: ['Vault is sealed'] } }
    return path.includes('/data/') ? denied : undefined
  })
  expect(await codeOf(stubbed(stub, { kvVersion: 2 }).get('app', context))).toBe('UNAVAILABLE')
})

test('a look at the health with a refused token asks for it twice, and once for the state of the cluster', async () => {
  const stub = await stubVault(() => ({ status: 403, body: { errors: ['permission denied'] } }))
  expect(await codeOf(stubbed(stub).checkHealth(context))).toBe('UNAUTHENTICATED')
  expect(new Set(stub.requests.map(({ path }) => path))).toEqual(new Set(['/v1/sys/internal/ui/mounts']))
  const tokens = stub.requests.map(({ headers }) => headers['x-vault-token'])
  expect(tokens).toEqual([canaries.token, undefined, canaries.token])
})

test('a file that is too large for a credential is another one', async () => {
  const file = join(temporaryFolder(), 'large')
  writeFileSync(file, 'x'.repeat(70_000))
  const { code, message } = await failure(stubbed(await stubVault(), { auth: tokenFile(file) }).get('app', context))
  expect([code, message]).toEqual(['CONFIGURATION', expect.stringContaining('larger than 65536 bytes')])
})

test('a credential that is no UTF-8 is an error, and never sent as another one', async () => {
  const stub = await stubVault()
  const file = join(temporaryFolder(), 'password')
  writeFileSync(file, Buffer.from('p\u00e4ssword', 'latin1'))
  for (const password of [{ file }, () => 'p\ud800ssword']) {
    const { code, message } = await failure(stubbed(stub, { auth: userpass({ username: 'bob', password }) }).get('app', context))
    expect([code, message]).toEqual(['CONFIGURATION', expect.stringContaining('no text in UTF-8')])
  }
  expect(stub.requests).toEqual([])
  writeFileSync(file, 'p\u00e4ssword')
  expect(await codeOf(stubbed(stub, { auth: userpass({ username: 'bob', password: { file } }) }).get('app', context))).toBe('ok')
  expect(stub.requests.some(({ body }) => body.includes('p\u00e4ssword'))).toBe(true)
})

test('what is no login is refused when it is made', () => {
  const made = [
    () => appRole({ roleId: 'r', mount: '../sys' }),
    () => appRole({ roleId: 'r', mount: 'auth/approle' }),
    () => appRole({ roleId: {} as string }),
    () => appRole({ roleId: 'r', secretId: { wrapped: 7 as unknown as string } }),
    () => userpass({ username: 'a/b', password: 'p' }),
    () => userpass({ username: '..', password: 'p' }),
    () => jwt({ jwt: undefined as unknown as string }),
    () => tokenAuth({ file: '' }),
    () => kubernetes({ role: '' }),
    () => jwt({ jwt: 'j', role: 7 as unknown as string }),
    () => awsIam({ role: undefined as unknown as string, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }),
  ]
  for (const make of made) expect(make).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
})

test('a misspelt option of a login is CONFIGURATION', () => {
  const misspelt: object = { secretID: canaries.secretId }
  const made = [
    () => appRole({ roleId: 'r', ...misspelt }),
    () => kubernetes({ role: 'r', ...misspelt }),
    () => jwt({ jwt: 'j', ...misspelt }),
    () => userpass({ username: 'u', password: 'p', ...misspelt }),
    () => cert({ ...misspelt }),
    () => awsIam({ role: 'r', credentials: async () => Promise.reject(), ...misspelt }),
    () => awsIam(undefined as unknown as AwsIamOptions),
  ]
  for (const make of made) expect(make).toThrow(/"secretID" is not known|the options are undefined/)
})

test('white space around a token in its file is not sent', async () => {
  const stub = await stubVault()
  for (const text of ['"hvs.a"', "'hvs.a'", '{"token":"hvs.a"}', '\ufeffhvs.a', 'hvs.a ', 'hvs.a\n\n', 'TOKEN=hvs.a b'])
    expect(await codeOf(stubbed(stub, { auth: tokenAuth(() => text) }).get('app', context)), text).toBe('CONFIGURATION')
  expect(stub.requests).toEqual([])
})

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-vault-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** As Kubernetes makes them, but for the signature, which its API looks at and Vault does not. */
function serviceAccountJwt(name: string): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const account = { namespace: 'pay', serviceaccount: { name, uid: 'u' } }
  const claims = {
    iss: 'kubernetes/serviceaccount',
    sub: `system:serviceaccount:pay:${name}`,
    iat: Math.floor(Date.now() / 1000) - 10,
    exp: Math.floor(Date.now() / 1000) + 600,
    'kubernetes.io': account,
  }
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${Buffer.alloc(256, 7).toString('base64url')}`
}
