import { once } from 'node:events'
import type { Server } from 'node:http'
import type { SecretsManager } from '@finchat/secrets-core'

/** Stops accepting, and closes the manager after the requests under way, which may read secrets. */
export function closeOnSignal(server: Server, secrets: SecretsManager, drainMs = 15_000): void {
  const end = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    const cut = setTimeout(() => server.closeAllConnections(), drainMs)
    await closed
    clearTimeout(cut)
    await secrets.close()
  }
  process.once('SIGTERM', () => void end().catch(() => (process.exitCode = 1)))
}
