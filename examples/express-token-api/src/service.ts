// To copy: starts the application, and ends it without a failed request.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { SecretsManager } from '@finchat/secrets-core'
import type { Express } from 'express'

export interface Service {
  readonly url: string
  readonly stop: () => Promise<void>
}

/** `port` 0: any free one. */
export async function startService(app: Express, secrets: SecretsManager, port: number, drainMs = 15_000): Promise<Service> {
  const server = app.listen(port)
  await once(server, 'listening')
  const { port: actual } = server.address() as AddressInfo // it listens on a port, not on a pipe
  const stop = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    const cut = setTimeout(() => server.closeAllConnections(), drainMs)
    await closed
    clearTimeout(cut)
    await secrets.close() // last: requests under way may still read
  }
  return { url: `http://127.0.0.1:${actual}`, stop }
}
