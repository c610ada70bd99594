// To copy: a service with probes, and an end without a failed request.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SecretsManager } from '@finchat/secrets-core'
import { canServe } from '@finchat/secrets-core/live'
import { needed } from './secrets.ts'

export interface Service {
  readonly port: number
  readonly stop: () => Promise<void>
}

export async function startService(secrets: SecretsManager, port: number, drainMs = 15_000): Promise<Service> {
  const routes: Readonly<Record<string, () => Promise<[status: number, body: object]>>> = {
    '/livez': async () => [200, { ok: true }], // asks for no secret: a restart heals no store
    '/readyz': async () => {
      const { secrets: _, ...counts } = await canServe(secrets, needed)
      return [counts.ok ? 200 : 503, counts]
    },
    '/orders': async () => [200, { user: await secrets.getSecret('database', { field: 'user' }), orders: [{ id: 1 }] }],
  }
  const answer = async (response: ServerResponse, path: string): Promise<void> => {
    const [status, body] = await (routes[path]?.() ?? [404, {}])
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const server = createServer((request, response) => {
    answer(response, request.url ?? '/').catch(() => response.writeHead(503).end())
  }).listen(port)
  await once(server, 'listening')
  const stop = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    const cut = setTimeout(() => server.closeAllConnections(), drainMs)
    await closed
    clearTimeout(cut)
    await secrets.close() // last: requests under way may still read
  }
  return { port: (server.address() as AddressInfo).port, stop } // it listens on a port, not on a pipe
}
