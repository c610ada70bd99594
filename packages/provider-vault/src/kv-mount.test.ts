import { expect, test } from 'vitest'
import { byAppRole, canaries, codeOf, collected, context, failure, stubbed, stubVault, timesAsked } from './testing/stub-vault.ts'

const mountsPath = '/v1/sys/internal/ui/mounts'
const mountOf = (version: string) => ({ body: { request_id: 'r', data: { secret: { 'secret/': { type: 'kv', options: { version } } } } } })
const absent = { status: 404, body: { errors: [] } }

test('many first reads cost one login, ask once for the state of the cluster, and once what the mount is', async () => {
  const stub = await stubVault()
  const provider = stubbed(stub, { auth: byAppRole, timeoutMs: 60_000 })
  await Promise.all(Array.from({ length: 1000 }, (_, n) => provider.get(`app-${n}`, context)))
  expect([timesAsked(stub, mountsPath), timesAsked(stub, '/v1/auth/approle/login'), stub.requests.length]).toEqual([2, 1, 1003])
})

test('who gives up waiting for what the mount is leaves it to the others', async () => {
  const stub = await stubVault((path) => (path === mountsPath ? { ...mountOf('2'), delayMs: 200 } : undefined))
  const provider = stubbed(stub)
  const controller = new AbortController()
  const [impatient, patient] = [provider.get('app', { signal: controller.signal }), provider.get('app', context)]
  await expect.poll(() => timesAsked(stub, mountsPath)).toBe(1)
  controller.abort(new Error(canaries.value))
  expect([await codeOf(impatient), await codeOf(patient), timesAsked(stub, mountsPath)]).toEqual(['ABORTED', 'ok', 1])
})

test('what the mount is, is asked again when it could not be told', async () => {
  let isUp = false
  const stub = await stubVault((path) =>
    path === mountsPath && !isUp ? { status: 503, body: { errors: ['Vault is sealed'] } } : undefined,
  )
  const provider = stubbed(stub)
  expect(await codeOf(provider.get('app', context))).toBe('UNAVAILABLE')
  isUp = true
  expect(await codeOf(provider.get('app', context))).toBe('ok')
})

test('a `kvVersion` that is right costs a read nothing, and what does not exist one look at the mounts', async () => {
  const stub = await stubVault((path) => (path.endsWith('/none') ? absent : undefined))
  const provider = stubbed(stub, { kvVersion: 2 })
  for (let times = 0; times < 3; times += 1) await provider.get('app', context)
  expect(timesAsked(stub, mountsPath)).toBe(0)
  for (let times = 0; times < 3; times += 1) expect(await provider.get('none', context)).toBe(undefined)
  await provider.put('app', { value: 'v2' }, context)
  expect(timesAsked(stub, mountsPath)).toBe(1)
})

test('a `kvVersion` that is wrong is told, before anything is written', async () => {
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
