// A stand-in for a store with a server, such as AWS or Vault, that counts the reads. A service names its own.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type SecretProvider, SecretsError } from '@finchat/secrets-core'

export interface Store {
  readonly url: string
  readonly reads: () => number
  readonly stop: () => void
}

/** It holds one secret, whatever its path. */
export async function startStore(first: string): Promise<Store> {
  let [value, version, reads] = [first, 1, 0]
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'PUT') [value, version] = [await text(request), version + 1]
    else reads += 1
    response.end(JSON.stringify({ value, version }))
  }
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on a port, not on a pipe
  return { url: `http://127.0.0.1:${port}`, reads: () => reads, stop: () => void server.close() }
}

export function storeProvider(url: string): SecretProvider {
  const ask = async (path: string, init: RequestInit): Promise<{ value: string; version: number }> => {
    const response = await fetch(new URL(path, url), init).catch(() => undefined)
    if (!response?.ok) throw new SecretsError('UNAVAILABLE', 'the store cannot be reached')
    return (await response.json()) as { value: string; version: number } // as the server above answers
  }
  return {
    specificationVersion: 'v1',
    name: 'store',
    sharedAs: url, // answers may be shared by all processes that ask this store
    get: async (path, { signal }) => ask(path, { signal }),
    put: async (path, { value }, { signal }) => {
      const { version } = await ask(path, { method: 'PUT', body: value, signal })
      return { version }
    },
  }
}
