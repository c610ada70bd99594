// To copy: a service with /metrics for Prometheus and /readyz for its orchestrator.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SecretsManager } from '@finchat/secrets-core'
import { canServe } from '@finchat/secrets-core/live'
import type { Telemetry } from './telemetry.ts'

export interface Service {
  readonly url: string
  readonly stop: () => Promise<void>
}

/** `needed`: the secrets without which a request fails. */
export async function startService(secrets: SecretsManager, telemetry: Telemetry, needed: readonly string[]): Promise<Service> {
  const answerReady = async (response: ServerResponse): Promise<void> => {
    const { secrets: _, ...counts } = await canServe(secrets, needed)
    response.writeHead(counts.ok ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(counts))
  }
  const server = createServer((request, response) => {
    if (request.url === '/metrics') telemetry.serveMetrics(request, response)
    else if (request.url === '/readyz') void answerReady(response)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on a port, not on a pipe
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
