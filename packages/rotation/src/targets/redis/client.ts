import { throwIfAborted, untilAborted } from '@finchat/secrets-core/provider'
import { redisError } from './redis-error.ts'

/** Commands that are sent as one transaction. */
export interface RedisTransaction {
  readonly addCommand: (parts: string[]) => unknown
  readonly exec: () => Promise<unknown>
}

/** What is used of a client of `@redis/client`, connected. */
export interface RedisClient {
  readonly sendCommand: (parts: string[]) => Promise<unknown>
  readonly watch: (key: string) => Promise<unknown>
  readonly multi: () => RedisTransaction
  readonly on: (event: 'error', listener: (error: Error) => void) => unknown
  readonly destroy: () => void
}

/** A client of `@redis/client` that is not connected yet. */
export interface RedisLogin extends Pick<RedisClient, 'on' | 'destroy'> {
  readonly connect: () => Promise<unknown>
}

/** Runs `work` over a connection, which it ends. Rejects with `ABORTED` once the signal is aborted. */
export async function withConnection<T>(
  connect: (context: { readonly signal: AbortSignal }) => Promise<RedisClient>,
  signal: AbortSignal,
  work: (client: RedisClient) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal)
  const connecting = connect({ signal })
  try {
    const client = await untilAborted(connecting, signal, 'connecting to the server')
    client.on('error', () => {}) // the call rejects too
    return await untilAborted(work(client), signal, 'the server was asked')
  } catch (error) {
    throw redisError(error)
  } finally {
    void connecting.then(destroy, () => {}) // at once, or when it is connected at last
  }
}

/** Ends a connection, which may have ended. */
export function destroy(client: Pick<RedisClient, 'destroy'>): void {
  try {
    client.destroy()
  } catch {
    // node-redis throws if the client is closed already
  }
}
