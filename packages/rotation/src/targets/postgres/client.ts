import { untilAborted, throwIfAborted } from '@finchat/secrets-core/provider'
import { postgresError } from './postgres-error.ts'

/** What is used of a client of `pg`, connected. */
export interface PostgresClient {
  readonly query: (text: string) => Promise<{ readonly rows: readonly unknown[] }>
  readonly end: () => Promise<unknown>
  readonly on: (event: 'error', listener: (error: Error) => void) => unknown
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
    await untilAborted(client.end(), signal).catch(() => {}) // the outcome is known
  }
}

/** Runs `work` over an administrator's connection. */
export async function asAdministrator<T>(
  connect: () => Promise<PostgresClient>,
  signal: AbortSignal,
  work: (client: PostgresClient) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal)
  const connecting = connect()
  try {
    return await withClient(await untilAborted(connecting, signal, 'connecting to PostgreSQL'), signal, work)
  } catch (error) {
    if (signal.aborted) void connecting.then((client) => client.end()).catch(() => {}) // it may connect later
    throw postgresError(error, 'unknown')
  }
}
