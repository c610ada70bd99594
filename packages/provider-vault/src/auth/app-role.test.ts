import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { canaries, codeOf, context, failure, stubbed, stubVault, timesAsked, usual } from '../testing/stub-vault.ts'
import { type VaultProvider, vaultProvider } from '../vault-provider.ts'
import { appRole } from './app-role.ts'

interface SecretId {
  readonly secret_id: string
}

describeWithServer('openbao', 'a wrapped secret id', () => {
  let bao: OpenBao
  beforeAll(async () => {
    bao = await startOpenBao()
    await bao.api('POST', 'sys/mounts/looks', { type: 'kv' })
    await bao.api('POST', 'sys/namespaces/team', {})
    for (const [mount, namespace] of methods) {
      await api(namespace, `sys/auth/${mount}`, { type: 'approle' })
      await api(namespace, 'sys/policies/acl/reader', { policy: 'path "sys/*" { capabilities = ["read"] }' })
      for (const role of ['app', 'others']) await api(namespace, `auth/${mount}/role/${role}`, { token_policies: ['reader'] })
    }
  })
  afterAll(() => bao.stop())

  const methods = [
    ['approle', ''],
    ['teams/app role', ''],
    ['approle', 'team'],
  ] as const

  async function api<T>(namespace: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<T> {
    const all = { 'X-Vault-Token': bao.rootToken, ...(namespace !== '' && { 'X-Vault-Namespace': namespace }), ...headers }
    const method = body === undefined ? 'GET' : 'POST'
    const response = await fetch(`${bao.url}/v1/${encodeURI(path)}`, { method, headers: all, ...(body && { body: JSON.stringify(body) }) })
    const text = await response.text()
    if (!response.ok) throw new Error(`${path}: ${text}`)
    return (text === '' ? {} : JSON.parse(text)) as T // as Vault documents it
  }

  /** A wrapping token of what is answered to this request. */
  async function wrappedBy(path: string, body?: object, namespace = ''): Promise<string> {
    const { wrap_info } = await api<{ wrap_info: { token: string } }>(namespace, path, body, { 'X-Vault-Wrap-TTL': '60s' })
    return wrap_info.token
  }

  async function unwrapped(wrapping: string): Promise<SecretId> {
    return (await api<{ data: SecretId }>('', 'sys/wrapping/unwrap', {}, { 'X-Vault-Token': wrapping })).data
  }

  async function providerWith(wrapped: string, mount = 'approle', namespace = ''): Promise<VaultProvider> {
    const { data } = await api<{ data: { role_id: string } }>(namespace, `auth/${mount}/role/app/role-id`)
    const auth = appRole({ roleId: data.role_id, secretId: { wrapped }, mount })
    const provider = vaultProvider({ url: bao.url, auth, ...(namespace !== '' && { namespace }) })
    onTestFinished(() => provider.close())
    return provider
  }

  test.each(methods)(
    'logs in, by the method at %j in the namespace %j; and is told as stolen if it was unwrapped before',
    async (mount, namespace) => {
      const wrapping = await wrappedBy(`auth/${mount}/role/app/secret-id`, {}, namespace)
      expect(await codeOf((await providerWith(wrapping, mount, namespace)).checkHealth(context))).toBe('ok')
      const { code, message } = await failure((await providerWith(wrapping, mount, namespace)).checkHealth(context))
      expect([code, message]).toEqual(['UNAUTHENTICATED', expect.stringContaining('treat the secret id as stolen')])
    },
  )

  test('logs in after its wrapping token was exchanged for another, which shows nothing of it', async () => {
    const wrapping = await wrappedBy('auth/approle/role/app/secret-id', {})
    const next = await wrappedBy('sys/wrapping/rewrap', { token: wrapping })
    expect(await codeOf((await providerWith(next)).checkHealth(context))).toBe('ok')
  })

  const thieves: readonly (readonly [string, (stolen: SecretId) => Promise<string>])[] = [
    ['sys/wrapping/wrap', (stolen) => wrappedBy('sys/wrapping/wrap', stolen)],
    ['custom-secret-id of another role', (stolen) => wrappedBy('auth/approle/role/others/custom-secret-id', stolen)],
    ['custom-secret-id in a namespace of his own', (stolen) => wrappedBy('auth/approle/role/others/custom-secret-id', stolen, 'team')],
    [
      'a secret whose path looks alike',
      async (stolen) => {
        await api('', 'looks/auth/approle/role/app/secret-id', stolen)
        return wrappedBy('looks/auth/approle/role/app/secret-id')
      },
    ],
  ]
  test.each(thieves)('is refused if a thief unwrapped it and wrapped it again by %s', async (_, wrapAgain) => {
    const { secret_id } = await unwrapped(await wrappedBy('auth/approle/role/app/secret-id', {}))
    const handedOn = await wrapAgain({ secret_id })
    const { code, message } = await failure((await providerWith(handedOn)).checkHealth(context))
    expect([code, message]).toEqual(['UNAUTHENTICATED', expect.stringContaining('treat the secret id as stolen')])
    expect(message).toContain('was not made by auth/approle/role/NAME/secret-id')
    expect(message).not.toContain(secret_id)
    expect(await unwrapped(handedOn), 'it is still wrapped').toMatchObject({ secret_id })
  })

  test('is not taken from another mount than the one that the login is for', async () => {
    const { code } = await failure((await providerWith(await wrappedBy('auth/teams/app role/role/app/secret-id', {}))).checkHealth(context))
    expect(code).toBe('UNAUTHENTICATED')
  })
})

const used = { status: 400, body: { errors: ['wrapping token is not valid or does not exist'] } }
const leaderless = { status: 307, body: '', headers: { Location: 'http://127.0.0.1:1/v1/x' } }
const made = (path: unknown): object => ({ body: { request_id: 'r', data: { creation_path: path, secret_id: canaries.secretId } } })

test.each([
  ['that was used before', () => used, 1],
  [
    'that somebody uses between our look and our use',
    (path: string) => (path.endsWith('unwrap') ? used : made('auth/approle/role/app/secret-id')),
    2,
  ],
  ['of an unknown path', () => made(undefined), 1],
  ['of a role with a slash', () => made('auth/approle/role/a/b/secret-id'), 1],
  ['of no role', () => made('auth/approle/role//secret-id'), 1],
  ['of a path that overlaps', () => made('auth/approle/role/secret-id'), 1],
])('a wrapping token %s is told as stolen, and not sent again', async (_, replies, requests) => {
  const stub = await stubVault((path) => (path.includes('/wrapping/') ? replies(path) : undefined))
  const provider = stubbed(stub, { auth: appRole({ roleId: 'r', secretId: { wrapped: canaries.secretId } }) })
  for (let times = 0; times < 5; times += 1) expect((await failure(provider.get('app', context))).message).toContain('as stolen')
  expect(stub.requests.filter(({ path }) => path.includes('/wrapping/'))).toHaveLength(requests)
  expect(stub.requests.filter(({ path }) => path.includes('/login'))).toEqual([])
})

test('a wrapping token is looked up again after an outage', async () => {
  let isDown = true
  const stub = await stubVault((path) => {
    if (!path.includes('/wrapping/')) return undefined
    return isDown ? { status: 503, body: { errors: ['Vault is sealed'] } } : made('auth/approle/role/app/secret-id')
  })
  const provider = stubbed(stub, { auth: appRole({ roleId: 'r', secretId: { wrapped: canaries.secretId } }) })
  expect(await codeOf(provider.get('app', context))).toBe('UNAVAILABLE')
  isDown = false
  expect(await codeOf(provider.get('app', context))).toBe('ok')
})

test('providers with one `auth` that log in at once unwrap the token once, also if the first gives up', async () => {
  for (const isGivenUp of [false, true]) {
    let isUsed = false
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    const stub = await stubVault()
    stub.plan(async ({ path }) => {
      if (path.endsWith('/lookup')) {
        await held
        return isUsed ? used : made('auth/approle/role/app/secret-id')
      }
      if (!path.endsWith('/unwrap')) return usual(path)
      if (isUsed) return used
      isUsed = true
      return made('auth/approle/role/app/secret-id')
    })
    const auth = appRole({ roleId: 'r', secretId: { wrapped: canaries.secretId } })
    const [first, second] = [
      stubbed(stub, { auth, kvVersion: 2, timeoutMs: isGivenUp ? 200 : 4_500 }),
      stubbed(stub, { auth, kvVersion: 2 }),
    ]
    const both = [codeOf(first.get('app', context)), codeOf(second.get('app', context))]
    if (isGivenUp) expect(await both[0]).toBe('DEADLINE_EXCEEDED')
    else await expect.poll(() => stub.requests.some(({ path }) => path.endsWith('/lookup'))).toBe(true)
    letGo()
    expect(await Promise.all(both)).toEqual([isGivenUp ? 'DEADLINE_EXCEEDED' : 'ok', 'ok'])
    expect(stub.requests.filter(({ path }) => path.endsWith('/unwrap'))).toHaveLength(1)
  }
})

test('a wrapping token that this process used without an answer has an error of its own', async () => {
  let isUsed = false
  const stub = await stubVault((path) => {
    if (path.endsWith('/lookup')) return isUsed ? used : made('auth/approle/role/app/secret-id')
    if (!path.endsWith('/unwrap')) return undefined
    isUsed = true
    return 'reset'
  })
  const provider = stubbed(stub, { auth: appRole({ roleId: 'r', secretId: { wrapped: canaries.secretId } }) })
  expect(await codeOf(provider.get('app', context))).toBe('UNAVAILABLE')
  const { code, message } = await failure(provider.get('app', context))
  expect([code, message]).toEqual(['UNAUTHENTICATED', expect.stringContaining('perhaps by this process, which got no answer')])
})

test('a leader that is lost while it unwraps makes no theft of it', async () => {
  let isUsed = false
  const stub = await stubVault((path) => {
    if (path.endsWith('/lookup')) return isUsed ? used : made('auth/approle/role/app/secret-id')
    if (!path.endsWith('/unwrap')) return undefined
    const isFirst = !isUsed
    isUsed = true
    return isFirst ? leaderless : used // done, and its answer lost on the way to the standby
  })
  const provider = stubbed(stub, { auth: appRole({ roleId: 'r', secretId: { wrapped: canaries.secretId } }) })
  expect(await codeOf(provider.get('app', context))).toBe('UNAVAILABLE')
  const { code, message } = await failure(provider.get('app', context))
  expect([code, message]).toEqual(['UNAUTHENTICATED', expect.stringContaining('perhaps by this process, which got no answer')])
  expect(timesAsked(stub, '/v1/sys/wrapping/unwrap')).toBe(1)
})

test('an election is waited out before a wrapping token is used', async () => {
  const left = [leaderless, leaderless, leaderless, leaderless]
  const stub = await stubVault((path) => {
    if (path.endsWith('/lookup')) return left.shift() ?? made('auth/approle/role/app/secret-id')
    return path.endsWith('/unwrap') ? made('auth/approle/role/app/secret-id') : undefined
  })
  const provider = stubbed(stub, { auth: appRole({ roleId: 'r', secretId: { wrapped: canaries.secretId } }), timeoutMs: 20_000 })
  expect(await codeOf(provider.get('app', context))).toBe('ok')
})
