import { setTimeout as sleep } from 'node:timers/promises'
import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { byAppRole, canaries, codeOf, collected, context, failure, stubbed, stubVault, timesAsked } from '../testing/stub-vault.ts'
import { trialOn } from '../testing/trials.ts'

const mountsPath = '/v1/sys/internal/ui/mounts'
const mountOf = (version: string) => ({ body: { request_id: 'r', data: { secret: { 'secret/': { type: 'kv', options: { version } } } } } })
const absent = { status: 404, body: { errors: [] } }

test('many first reads cost one login, ask once for the state of the cluster, and once what the mount is', async () => {
  const stub = await stubVault()
  const provider = stubbed(stub, { auth: byAppRole, timeoutMs: 60_000 })
  await Promise.all(Array.from({ length: 1000 }, (_, n) => provider.get(`app-${n}`, context)))
  expect([timesAsked(stub, mountsPath), timesAsked(stub, '/v1/auth/approle/login'), stub.requests.length]).toEqual([2, 1, 1003])
})

test('a caller that gives up does not end the detection', async () => {
  const stub = await stubVault((path) => (path === mountsPath ? { ...mountOf('2'), delayMs: 200 } : undefined))
  const provider = stubbed(stub)
  const controller = new AbortController()
  const [impatient, patient] = [provider.get('app', { signal: controller.signal }), provider.get('app', context)]
  await expect.poll(() => timesAsked(stub, mountsPath)).toBe(1)
  controller.abort(new Error(canaries.value))
  expect([await codeOf(impatient), await codeOf(patient), timesAsked(stub, mountsPath)]).toEqual(['ABORTED', 'ok', 1])
})

test('a failed detection is repeated', async () => {
  let isUp = false
  const stub = await stubVault((path) =>
    path === mountsPath && !isUp ? { status: 503, body: { errors: ['Vault is sealed'] } } : undefined,
  )
  const provider = stubbed(stub)
  expect(await codeOf(provider.get('app', context))).toBe('UNAVAILABLE')
  isUp = true
  expect(await codeOf(provider.get('app', context))).toBe('ok')
})

test('a `kvVersion` that is right costs a read nothing, and each answer that a secret does not exist one look at the mounts', async () => {
  const stub = await stubVault((path) => (path.endsWith('/none') ? absent : undefined))
  const provider = stubbed(stub, { kvVersion: 2 })
  for (let times = 0; times < 3; times += 1) await provider.get('app', context)
  expect(timesAsked(stub, mountsPath)).toBe(0)
  for (let times = 0; times < 3; times += 1) expect(await provider.get('none', context)).toBe(undefined)
  await provider.put('app', { value: 'v2' }, context)
  expect(timesAsked(stub, mountsPath)).toBe(3)
})

test('concurrent reads of missing secrets share one probe of the mounts', async () => {
  const stub = await stubVault((path) => (path.includes('/none') ? absent : undefined))
  const provider = stubbed(stub, { timeoutMs: 60_000 })
  await provider.get('app', context)
  await Promise.all(Array.from({ length: 100 }, (_, n) => provider.get(`none-${n}`, context)))
  expect(timesAsked(stub, mountsPath)).toBeLessThanOrEqual(4)
})

test('that a secret does not exist is not believed while the server cannot tell what the mount is', async () => {
  let isUp = true
  const stub = await stubVault((path) => {
    if (path === mountsPath && !isUp) return { status: 503, body: { errors: ['Vault is sealed'] } }
    return path.endsWith('/none') ? absent : undefined
  })
  const provider = stubbed(stub)
  expect(await provider.get('none', context)).toBe(undefined)
  isUp = false
  expect(await codeOf(provider.get('none', context))).toBe('UNAVAILABLE')
})

test('a mount that was none of KV is read once it is one', async () => {
  let type = 'pki'
  const stub = await stubVault((path) =>
    path === mountsPath ? { body: { request_id: 'r', data: { secret: { 'secret/': { type, options: { version: '2' } } } } } } : undefined,
  )
  const provider = stubbed(stub)
  expect(await codeOf(provider.get('app', context))).toBe('CONFIGURATION')
  type = 'kv'
  expect(await codeOf(provider.get('app', context))).toBe('ok')
})

test('a probe that began before the mount was replaced makes no read fail', async () => {
  let version = '1'
  const otherVersion = { status: 404, body: { request_id: 'r', warnings: ['Invalid path for a versioned K/V secrets engine.'] } }
  const stub = await stubVault((path) => {
    if (path === mountsPath) return { ...mountOf(version), delayMs: 200 }
    if (path.endsWith('/none')) return absent
    return version === '2' && path === '/v1/secret/app' ? otherVersion : undefined
  })
  const provider = stubbed(stub)
  await provider.get('app', context)
  const missing = provider.get('none', context)
  await expect.poll(() => timesAsked(stub, mountsPath)).toBe(2)
  version = '2'
  expect(await codeOf(provider.get('app', context))).toBe('ok')
  await missing
})

test('with a `kvVersion` too, an outage or the end of a call is not taken for a secret that does not exist', async () => {
  const stub = await stubVault((path) => {
    if (path === mountsPath) return { status: 503, body: { errors: ['Vault is sealed'] }, delayMs: 100 }
    return path.endsWith('/none') ? absent : undefined
  })
  const provider = stubbed(stub, { kvVersion: 2 })
  expect(await codeOf(provider.get('none', context))).toBe('UNAVAILABLE')
  expect(await codeOf(provider.get('none', { signal: AbortSignal.timeout(50) }))).toBe('ABORTED')
})

test('a failed probe of the mounts confirms no missing secret', async () => {
  let isUp = true
  const stub = await stubVault((path) => {
    if (path === mountsPath && !isUp) return { status: 501, body: { errors: ['not initialized'] } }
    if (path.endsWith('/slow')) return { ...absent, delayMs: 300 }
    return path.endsWith('/none') ? absent : undefined
  })
  const provider = stubbed(stub)
  await provider.get('app', context)
  isUp = false
  const late = codeOf(provider.get('slow', context))
  expect(await codeOf(provider.get('none', context))).toBe('UNAVAILABLE')
  expect(await late).toBe('UNAVAILABLE')
})

describeWithServer('openbao', 'a mount that is replaced by one of the other version', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  async function replace(mount: string, version: 1 | 2): Promise<void> {
    await bao.api('DELETE', `sys/mounts/${mount}`)
    await bao.api('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: String(version) } })
    if (version === 2) await vi.waitFor(() => bao.api('GET', `${mount}/config`), { timeout: 20_000, interval: 20 })
    await bao.api('POST', version === 2 ? `${mount}/data/app` : `${mount}/app`, version === 2 ? { data: { n: 'new' } } : { n: 'new' })
  }

  test.each([
    [1, 2],
    [2, 1],
  ] as const)('from version %i to %i, is read, listed and written at once, however often it was read before', async (kv, next) => {
    const { provider, mount } = await trialOn(bao, { kv })
    await provider.put('app', { value: 'old' }, context)
    const calls: [string, () => Promise<unknown>, unknown][] = [
      ['get', async () => (await provider.get('app', context))?.value, '{"n":"new"}'],
      ['list', () => collected(provider.list('', context)), [{ path: 'app' }]],
      [
        'get after a miss',
        () => provider.get('none', context).then(async () => (await provider.get('app', context))?.value),
        '{"n":"new"}',
      ],
    ]
    for (const [what, call, expected] of calls) {
      await replace(mount, kv)
      await provider.get('app', context)
      await provider.get('none', context) // what the mount is, is known of a moment ago
      await replace(mount, next)
      expect(await call(), what).toEqual(expected)
    }
    await replace(mount, kv)
    await provider.get('app', context)
    await replace(mount, next)
    await sleep(1_100)
    await provider.put('app', { value: '{"n":"newer"}', shape: 'map' }, context)
    expect((await provider.get('app', context))?.value).toBe('{"n":"newer"}')
  })
})

test('a wrong `kvVersion` is CONFIGURATION before anything is written', async () => {
  const stub = await stubVault((path) => (path === mountsPath ? mountOf('1') : absent))
  const provider = stubbed(stub, { kvVersion: 2 })
  const calls = [
    () => provider.get('app', context),
    () => provider.put('app', { value: canaries.value }, context),
    () => provider.delete('app', { purge: true }, context),
    () => collected(provider.list('', context)),
  ]
  for (const call of calls) {
    const { code, message } = await failure(call())
    expect([code, message]).toEqual(['CONFIGURATION', expect.stringContaining('correct `kvVersion`')])
  }
  expect(stub.requests.filter(({ method }) => method !== 'GET')).toEqual([])
})

test('a `kvVersion` counts where the server does not tell what the mount is', async () => {
  const stub = await stubVault((path) => {
    if (path.startsWith(mountsPath)) return { status: 403, body: '<html>no</html>' }
    return path.endsWith('/none') ? absent : undefined
  })
  const provider = stubbed(stub, { kvVersion: 2 })
  expect(await provider.get('none', context)).toBe(undefined)
  expect(await codeOf(provider.put('app', { value: 'v' }, context))).toBe('ok')
})
