import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SecretsManager } from '@finchat/secrets-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { name, rotatedName, rotatedStore } from '../testing/rotated-store.ts'
import { fetchWithToken } from './fetch.ts'
import { requestWithToken } from './undici.ts'

/** An API that takes one token, and a service that holds the first. */
async function api(): Promise<{ url: string; service: SecretsManager; rotate: (token: string) => Promise<void>; seen: string[] }> {
  const { service, rotator } = await rotatedStore('first')
  let accepted = 'first'
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(String(request.headers.authorization))
    response.writeHead(request.headers.authorization === `Bearer ${accepted}` ? 200 : 401).end('answer')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const rotate = async (token: string): Promise<void> => {
    accepted = token
    await rotator.rotateSecret(rotatedName, token)
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, service, rotate, seen }
}

const clients: Record<string, (secrets: SecretsManager, url: string) => Promise<string>> = {
  fetch: async (secrets, url) =>
    (await fetchWithToken(secrets, name, url, { method: 'POST', body: 'text', headers: { accept: 'text/plain' } })).text(),
  undici: async (secrets, url) => (await requestWithToken(secrets, name, url)).body.text(),
}

describe.each(Object.entries(clients))('bearer tokens with %s', (_, call) => {
  test('no request fails while the token is rotated, and each refused one is repeated once', async () => {
    const { url, service, rotate, seen } = await api()
    for (const token of ['second', 'third']) {
      await rotate(token)
      expect(await Promise.all(Array.from({ length: 5 }, () => call(service, url)))).toEqual(Array(5).fill('answer'))
    }
    expect(seen.filter((header) => header === 'Bearer third').length).toBe(5)
  })
})

test('a token that was read once is refused after a rotation', async () => {
  const { url, service, rotate } = await api()
  const headers = { authorization: `Bearer ${await service.getSecret(name)}` }
  expect((await fetch(url, { headers })).status).toBe(200)
  await rotate('second')
  expect((await fetch(url, { headers })).status).toBe(401)
})
