import { rootCertificates } from 'node:tls'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { timedCall } from './call-bounds.ts'
import type { HttpClient } from './http-client.ts'
import { HttpClients } from './http-clients.ts'
import { serverUrl } from './server-url.ts'

const [first = '', second = ''] = rootCertificates
const hangs = new Promise<string>(() => {})

beforeEach(() => {
  vi.useFakeTimers()
  const warnings = vi.spyOn(process, 'emitWarning').mockReturnValue()
  onTestFinished(() => {
    vi.useRealTimers()
    warnings.mockRestore()
  })
})

/** Clients whose authority is the next of these at each read. */
function clientsOver(sources: (string | Promise<string>)[]): HttpClients {
  return new HttpClients('Vault', serverUrl('https://127.0.0.1:1', 'a Vault server', false), { ca: async () => sources.shift() ?? '' })
}

/** As a call does that begins a login. */
function opened(clients: HttpClients, caller?: AbortSignal): Promise<HttpClient> {
  return timedCall({ timeoutMs: 60_000, signal: caller, closing: new AbortController().signal }, (signal) => clients.opened(signal))
}

test('a login reads `tls` again, although the callers of the read before it gave up', async () => {
  const slow = Promise.withResolvers<string>()
  const clients = clientsOver([first, slow.promise, second])
  const former = await opened(clients)
  const caller = new AbortController()
  const left = opened(clients, caller.signal)
  caller.abort()
  await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
  slow.resolve(first)
  await vi.advanceTimersByTimeAsync(0)
  expect(await opened(clients)).not.toBe(former)
})

test('a source of `tls` that hangs costs a call one second, then what was read before serves it', async () => {
  const clients = clientsOver([first, hangs, second])
  const former = await opened(clients)
  const served = vi.fn<(client: HttpClient) => void>()
  const serving = opened(clients).then(served)
  await vi.advanceTimersByTimeAsync(999)
  expect(served).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  await serving
  expect(served).toHaveBeenCalledExactlyOnceWith(former)
  const warning = [
    expect.stringContaining('no answer within 1000 ms'),
    expect.objectContaining({ code: 'FINCHAT_SECRETS_TLS_NOT_RENEWED' }),
  ]
  expect(vi.mocked(process.emitWarning).mock.calls).toEqual([warning])
  expect(await opened(clients)).not.toBe(former)
})

/** The client of a login whose read of `tls` does not end within its second. */
async function openedLate(clients: HttpClients): Promise<HttpClient> {
  const opening = opened(clients)
  await vi.advanceTimersByTimeAsync(1_000)
  return opening
}

test('a source of `tls` that always takes three seconds is renewed for the next login', async () => {
  const texts = [first, second]
  const slowly = async (): Promise<string> => {
    const text = texts.shift() ?? second
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    return text
  }
  const clients = new HttpClients('Vault', serverUrl('https://127.0.0.1:1', 'a Vault server', false), { ca: slowly })
  const beginning = opened(clients)
  await vi.advanceTimersByTimeAsync(3_000)
  const former = await beginning
  expect(await openedLate(clients)).toBe(former)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(await openedLate(clients)).not.toBe(former)
  expect(vi.mocked(process.emitWarning).mock.calls.length).toBe(1)
})

test('a late answer of `tls` does not replace that of a later read', async () => {
  const late = Promise.withResolvers<string>()
  const clients = clientsOver([first, late.promise, second])
  await opened(clients)
  await openedLate(clients)
  const renewed = await opened(clients)
  late.resolve(first)
  expect(await openedLate(clients)).toBe(renewed)
})

test('one late read of `tls` goes on, until it has hung for a minute', async () => {
  const [slow, replacing] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  const clients = clientsOver([first, hangs, slow.promise, replacing.promise, hangs])
  const former = await opened(clients)
  await openedLate(clients)
  await openedLate(clients)
  slow.resolve(second)
  await vi.advanceTimersByTimeAsync(59_000)
  expect(await openedLate(clients)).toBe(former)
  replacing.resolve(second)
  await vi.advanceTimersByTimeAsync(0)
  expect(await openedLate(clients)).not.toBe(former)
})

test('close ends a read of `tls` under way, without a warning', async () => {
  const clients = clientsOver([first, hangs])
  await opened(clients)
  const reading = opened(clients)
  clients.close()
  await expect(reading).rejects.toMatchObject({ code: 'ABORTED', problem: 'the Vault provider is closed' })
  expect(process.emitWarning).not.toHaveBeenCalled()
})
