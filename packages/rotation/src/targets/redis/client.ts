import { configurationError, throwIfAborted, untilAborted } from '@finchat/secrets-core/provider'
import { redisError } from './redis-error.ts'

/** Commands that are sent as one transaction. */
export interface RedisTransaction {
  readonly addCommand: (parts: string[]) => unknown
  readonly exec: () => Promise<unknown>
}

/** What is used of a client of `@redis/client` to log in. It is not connected yet. */
export interface RedisLogin {
  readonly connect: () => Promise<unknown>
  readonly on: (event: 'connect' | 'error' | 'reconnecting', listener: () => void) => unknown
  readonly destroy: () => void
}

/** What is used of a client of `@redis/client`, which is not connected yet. */
export interface RedisClient extends RedisLogin {
  readonly sendCommand: (parts: string[]) => Promise<unknown>
  readonly watch: (key: string) => Promise<unknown>
  readonly multi: () => RedisTransaction
}

/**
 * Runs `work` with a client, which it connects before and ends after. Rejects with `ABORTED` once
 * the signal is aborted.
 */
export async function withClient<Client extends RedisLogin, T>(
  make: () => Client | Promise<Client>,
  signal: AbortSignal,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal)
  try {
    const client = await untilAborted((async () => make())(), signal, 'a client of Redis was made')
    const { connecting, end } = connect(client)
    const working = connecting.then(() => work(client))
    return await untilAborted(working, signal, 'the server was asked').finally(end)
  } catch (error) {
    throw redisError(error)
  }
}

/** `destroy()` leaves a socket open that is still being opened, so `end` waits for that. */
function connect(client: RedisLogin): { readonly connecting: Promise<void>; readonly end: () => void } {
  let isOpening = true
  let isEnded = false
  const settled = (): void => {
    isOpening = false
    if (isEnded) destroy(client)
  }
  client.on('connect', settled)
  client.on('error', settled) // without a listener, a server that stops would end the process; the call rejects too
  client.on('reconnecting', () => void (isOpening = true))
  const connecting = begin(client).finally(settled)
  const end = (): void => {
    isEnded = true
    if (!isOpening) destroy(client)
  }
  return { connecting, end }
}

async function begin(client: RedisLogin): Promise<void> {
  try {
    await client.connect()
  } catch (error) {
    if (error instanceof Error && error.message.includes('already opened'))
      throw configurationError('`connect` or `login` returned a connected client', 'return createClient(…), without connect()')
    throw error
  }
}

function destroy(client: RedisLogin): void {
  try {
    client.destroy()
  } catch {
    // node-redis throws if the client is closed already
  }
}
