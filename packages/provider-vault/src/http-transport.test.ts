import { expect, onTestFinished, test } from 'vitest'
import { httpSender } from './http-transport.ts'
import { stubVault } from './testing/stub-vault.ts'

const request = { method: 'GET', path: '/v1/secret/data/app', headers: {} }

test('a request whose call has ended is not sent', async () => {
  const stub = await stubVault()
  const { port } = new URL(stub.url)
  const sender = httpSender({ hostname: '127.0.0.1', port, isSecure: false }, {})
  onTestFinished(sender.close)
  await expect(sender.send(request, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED', sent: false })
  await expect(sender.send(request, new AbortController().signal)).resolves.toMatchObject({ status: 200 })
  expect(stub.requests.length).toBe(1)
})

test('an address of IPv6 is not looked up as a name', async () => {
  const stub = await stubVault()
  const { port } = new URL(stub.url)
  const sender = httpSender({ hostname: '[::1]', port, isSecure: false }, {})
  onTestFinished(sender.close)
  // Nobody listens there, or the machine has no IPv6.
  const failure: unknown = await sender.send(request, new AbortController().signal).catch((error: unknown) => error)
  expect(failure).toMatchObject({ storeStatus: expect.stringMatching(/^(ECONNREFUSED|EADDRNOTAVAIL|EAFNOSUPPORT|ENETUNREACH)$/) })
})
