import { configurationError, untilAborted, throwIfAborted } from '@finchat/secrets-core/provider'
import { postgresError } from './postgres-error.ts'

/** What is used of a client of `pg`. */
export interface PostgresClient {
  readonly query: (text: string) => Promise<{ readonly rows: readonly unknown[] }>
  readonly end: () => Promise<unknown>
  readonly on: (event: 'error', listener: (error: Error) => void) => unknown
  /** Its socket is destroyed if a call is given up: `end()` would wait for the server's answer. */
  readonly connection?: { readonly stream?: { readonly destroy?: () => unknown } } | undefined
}

/** A client of `pg` that is not connected yet. */
export interface PostgresLogin extends PostgresClient {
  readonly connect: () => Promise<unknown>
}

/** Runs `work` with a client, which it ends. Rejects with `ABORTED` once the signal is aborted. */
export async function withClient<Client extends PostgresClient, T>(
  client: Client,
  signal: AbortSignal,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  client.on('error', () => {}) // without a listener, a server that stops would end the process; the call rejects too
  try {
    throwIfAborted(signal)
    return await untilAborted(work(client), signal, 'PostgreSQL was asked')
  } finally {
    await ended(client, signal)
  }
}

/** The outcome is known, so that nothing of this counts. */
async function ended(client: PostgresClient, signal: AbortSignal): Promise<void> {
  await untilAborted(client.end(), signal).catch(() => {})
  if (signal.aborted) client.connection?.stream?.destroy?.()
}

/** Runs `work` over an administrator's connection. */
export async function asAdministrator<T>(
  connect: (context: { readonly signal: AbortSignal }) => PostgresLogin | Promise<PostgresLogin>,
  signal: AbortSignal,
  work: (client: PostgresClient) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal)
  try {
    const client = await untilAborted((async () => connect({ signal }))(), signal, 'a client of PostgreSQL was made')
    return await withClient(client, signal, async () => {
      await begin(client)
      return work(client)
    })
  } catch (error) {
    throw postgresError(error, 'unknown')
  }
}

/** Connects behind the listener of `withClient`: the server may stop in between. */
async function begin(client: PostgresLogin): Promise<void> {
  try {
    await client.connect()
  } catch (error) {
    if (error instanceof Error && error.message.includes('already been connected'))
      throw configurationError('`connect` returned a client that is connected already', 'return new Client(…), without connect()')
    throw error
  }
}
