import type { SharedKey } from '@finchat/secrets-core'
import { loadCrypto } from '@finchat/secrets-core/provider'
import { lengthPrefixed, seal, sealLength, unseal } from '@finchat/secrets-core/sealing'
import { channelOf } from '../sealed/key-names.ts'
import { format } from '../sealed/key-ring.ts'
import { reasonOf, type FaultReason } from '../store/errors.ts'
import { type RedisSubscriber, subscribe } from '../store/redis-client.ts'
import type { CacheContext } from './context.ts'

type Path = Omit<SharedKey, 'version'>
type Listener = (path: Path, invalidatedAt: number) => void

export interface AnnouncementOptions {
  readonly subscriber: RedisSubscriber | undefined
  /** Bounds the end of the subscription. */
  readonly timeoutMs: number
  readonly onFailure: (reason: FaultReason) => void
}

/**
 * Publishes invalidated paths to other processes. A process that misses a message finds the write
 * at its next recheck of the shared cache.
 */
export class Announcements {
  readonly #cache: CacheContext
  readonly #options: AnnouncementOptions
  readonly #channel: string
  readonly #listeners = new Set<Listener>()
  readonly #self = loadCrypto().randomBytes(16).toString('base64url')
  readonly #seen = new SeenAnnouncements()
  #unsubscribe: (() => Promise<unknown>) | undefined

  constructor(cache: CacheContext, options: AnnouncementOptions) {
    this.#cache = cache
    this.#options = options
    this.#channel = channelOf(cache)
  }

  /** Rejects with a `StoreFault` if the message could not be published. Without `client`: no-op. */
  async announce({ sharedAs, path }: Path): Promise<void> {
    const { client, store, keys } = this.#cache
    if (client === undefined) return
    const text = padded(JSON.stringify([this.#self, Date.now(), sharedAs, path]))
    const message = seal(keys.seals.announcements, this.#context(), text)
    await store.run(() => client.publish(this.#channel, message.toString('base64url')))
  }

  /** Subscribes with the first listener, and unsubscribes with the last. */
  add(listener: Listener): () => void {
    const { subscriber, onFailure } = this.#options
    if (subscriber === undefined || this.#cache.lifecycle.isClosing) return () => {}
    const own: Listener = (...announced) => listener(...announced)
    this.#listeners.add(own)
    this.#unsubscribe ??= subscribe(subscriber, this.#channel, {
      onMessage: (message) => this.#receive(message),
      onFailure: (error) => onFailure(reasonOf(error)),
    })
    return () => {
      this.#listeners.delete(own)
      if (this.#listeners.size === 0) this.close()
    }
  }

  close(): void {
    this.#listeners.clear()
    const unsubscribe = this.#unsubscribe
    this.#unsubscribe = undefined
    if (unsubscribe !== undefined) void this.#cache.lifecycle.track(this.#withDeadline(unsubscribe()))
  }

  #withDeadline(ended: Promise<unknown>): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const stop = this.#cache.clock.after(this.#options.timeoutMs, resolve)
    return Promise.race([ended, promise]).finally(stop)
  }

  #receive(message: string): void {
    const bytes = Buffer.from(message, 'base64url')
    for (const { announcements } of this.#cache.keys.opens) {
      const text = unseal(announcements, this.#context(), bytes)
      if (text === undefined) continue
      const [from, at, sharedAs, path] = JSON.parse(text.toString()) as readonly [string, number, string, string] // sealed with our key
      const isNew = from !== this.#self && this.#seen.add(bytes.toString('base64url', 0, sealLength), at)
      if (isNew) for (const listener of this.#listeners) listener({ sharedAs, path }, at)
      return
    }
  }

  #context(): Buffer {
    return lengthPrefixed([format, 'announcement', this.#cache.namespace])
  }
}

/** Clock skew plus delivery time. */
const toleranceMs = 60_000

/** Rejects replays. Forgets messages that are too old to be accepted. */
class SeenAnnouncements {
  readonly #sentAt = new Map<string, number>()

  add(id: string, sentAt: number): boolean {
    const now = Date.now()
    this.#dropOld(now)
    if (!(Math.abs(now - sentAt) <= toleranceMs) || this.#sentAt.has(id)) return false
    this.#sentAt.set(id, sentAt)
    return true
  }

  #dropOld(now: number): void {
    for (const [id, sentAt] of this.#sentAt) {
      if (now - sentAt <= toleranceMs) return
      this.#sentAt.delete(id)
    }
  }
}

/** Hides the length of a name. */
const paddedTo = 256

function padded(json: string): Buffer {
  const length = Buffer.byteLength(json)
  const text = Buffer.alloc(Math.ceil(length / paddedTo) * paddedTo, ' ')
  text.write(json)
  return text
}
