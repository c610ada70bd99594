import type { NatsConnection, NatsMessage, NatsSubscription } from './client.ts'
import { subjectOf } from './names.ts'

/** Receives one message. */
export type MessageListener = (message: string) => void

interface Listening {
  readonly subject: string
  readonly listener: MessageListener
  readonly subscription: NatsSubscription
}

/**
 * Subjects of NATS. A watch of the bucket would cost the server a consumer for each process. The
 * client subscribes again to a server that comes back; what was sent meanwhile is lost.
 */
export class NatsChannels {
  readonly #connection: NatsConnection
  readonly #listening = new Set<Listening>()

  constructor(connection: NatsConnection) {
    this.#connection = connection
  }

  async publish(channel: string, message: string): Promise<void> {
    this.#connection.publish(subjectOf(channel), message)
    await this.#connection.flush()
  }

  /** Rejects if the server refuses, or cannot be asked now. */
  async subscribe(channel: string, listener: MessageListener): Promise<void> {
    const subject = subjectOf(channel)
    const refused = Promise.withResolvers<never>()
    refused.promise.catch(() => {}) // after the subscription has begun
    const callback = (error: Error | null, message: NatsMessage): void =>
      error === null ? listener(message.string()) : refused.reject(error)
    try {
      const listening = { subject, listener, subscription: this.#connection.subscribe(subject, { callback }) }
      this.#listening.add(listening)
      // A refusal arrives before the answer to what was sent after it.
      await Promise.race([this.#connection.flush(), refused.promise])
    } catch (error) {
      this.#end(subject, listener)
      throw error
    }
  }

  /** Of this listener, or of all. */
  async unsubscribe(channel: string, listener?: MessageListener): Promise<void> {
    this.#end(subjectOf(channel), listener)
  }

  #end(subject: string, listener: MessageListener | undefined): void {
    for (const listening of this.#listening) {
      if (listening.subject !== subject || (listener !== undefined && listening.listener !== listener)) continue
      this.#listening.delete(listening)
      listening.subscription.unsubscribe()
    }
  }
}
