import { jittered, loadCrypto } from '@finchat/secrets-core/provider'
import type { PostgresConnection, PostgresPool } from './pool.ts'

const firstRetryMs = 1_000
const longestRetryMs = 60_000
/** PostgreSQL cuts longer names. */
const channelDigits = 40

/** Receives one message. */
export type MessageListener = (message: string) => void

/** Any text becomes a name that needs no quotes. */
export function channelName(channel: string): string {
  return `fs${loadCrypto().createHash('sha256').update(channel).digest('hex').slice(0, channelDigits)}`
}

interface Notification {
  readonly channel: string
  readonly payload?: string | undefined
}

/**
 * Channels of `LISTEN`, on one connection of the pool while there is any. A lost connection is
 * replaced; what was sent meanwhile is lost.
 */
export class PostgresChannels {
  readonly #pool: PostgresPool
  readonly #listeners = new Map<string, Set<MessageListener>>()
  #connection: Promise<PostgresConnection> | undefined
  #retry: NodeJS.Timeout | undefined

  constructor(pool: PostgresPool) {
    this.#pool = pool
  }

  /** Rejects if the server cannot be asked now. */
  async subscribe(channel: string, listener: MessageListener): Promise<void> {
    const name = channelName(channel)
    const connection = await this.#open()
    await connection.query(`LISTEN ${name}`)
    this.#listeners.set(name, (this.#listeners.get(name) ?? new Set()).add(listener))
  }

  /** Of this listener, or of all. */
  async unsubscribe(channel: string, listener?: MessageListener): Promise<void> {
    const name = channelName(channel)
    const others = this.#listeners.get(name)
    if (listener === undefined) others?.clear()
    else others?.delete(listener)
    if (others !== undefined && others.size > 0) return
    this.#listeners.delete(name)
    const connection = await this.#connection
    if (this.#listeners.size > 0) return void (await connection?.query(`UNLISTEN ${name}`))
    clearTimeout(this.#retry)
    this.#connection = undefined
    // It would go on listening for its next user.
    connection?.release(true)
  }

  #open(): Promise<PostgresConnection> {
    const opening = (this.#connection ??= this.#connected())
    opening.catch(() => {
      if (this.#connection === opening) this.#connection = undefined
    })
    return opening
  }

  async #connected(): Promise<PostgresConnection> {
    const connection = await this.#pool.connect()
    let isLost = false
    const lost = (): void => {
      if (isLost) return
      isLost = true
      void this.#replace(connection)
    }
    connection.on('error', lost) // without a listener it would end the process
    connection.on('end', lost)
    connection.on('notification', ({ channel, payload = '' }: Notification) => {
      for (const listener of this.#listeners.get(channel) ?? []) listener(payload)
    })
    return connection
  }

  async #replace(connection: PostgresConnection): Promise<void> {
    if ((await this.#connection?.catch(() => undefined)) !== connection) return
    this.#connection = undefined
    connection.release(true)
    this.#resume(firstRetryMs)
  }

  #resume(retryMs: number): void {
    this.#listenAgain().catch(() => {
      this.#retry = setTimeout(() => this.#resume(Math.min(2 * retryMs, longestRetryMs)), jittered(retryMs)).unref()
    })
  }

  async #listenAgain(): Promise<void> {
    for (const name of this.#listeners.keys()) await (await this.#open()).query(`LISTEN ${name}`)
  }
}
