import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SecretsError } from '@finchat/secrets-core'
import { expect, onTestFinished, test } from 'vitest'
import { hasCredential, learnCredentials } from './credentials.ts'

test('learns the credentials that `fetch` and `node:http` send', async () => {
  const server = createServer((_request, response) => response.end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on a port
  const said = (text: string): boolean => hasCredential(new SecretsError('UNAVAILABLE', `refused ${text}`))
  expect([said('first-credential'), said('other-credential')]).toEqual([false, false])
  learnCredentials()
  await (await fetch(url, { headers: { authorization: 'Bearer first-credential' } })).text()
  await new Promise((resolve) =>
    request(url, { headers: { 'x-store-token': 'other-credential' } }, (answer) => resolve(answer.resume())).end(),
  )
  expect([said('first-credential'), said('other-credential'), said('nothing')]).toEqual([true, true, false])
})

test.each(['of Bearer abc123def', 'at http://app:pass@store', 'token=abc123def', 'key AKIAABCDEFGHIJKLMNOP'])(
  'knows a credential by its shape: %s',
  (text) => {
    expect(hasCredential(new SecretsError('UNAVAILABLE', text))).toBe(true)
  },
)

test.each(['the token: it was refused', 'use Basic authentication', 'at https://store.example:8200/v1', 'no token is configured'])(
  'knows what is no credential: %s',
  (text) => {
    expect(hasCredential(new SecretsError('UNAVAILABLE', text))).toBe(false)
  },
)
