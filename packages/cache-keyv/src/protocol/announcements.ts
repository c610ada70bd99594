import type { SharedKey } from '@finchat/secrets-core'
import { lengthPrefixed, seal, sealLength, unseal } from '@finchat/secrets-core/sealing'
import { type CacheKeys, format, loadCrypto } from '../sealed/key-ring.ts'
import type { LoadAwareClock } from '@finchat/secrets-core/provider'
import type { PatientStore } from '../store/bounded-store.ts'
import type { Lifecycle } from '../store/lifecycle.ts'
import { listen, type RedisClient, type RedisSubscriber } from '../store/redis-client.ts'

type Path = Omit<SharedKey, 'version'>

export interface AnnouncementOptions {
  readonly keys: CacheKeys
  readonly namespace: string
  readonly channel: string
  readonly client: RedisClient | undefined
  readonly subscriber: RedisSubscriber | undefined
  readonly store: PatientStore
  readonly lifecycle: Lifecycle
  readonly clock: LoadAwareClock
  /** How long the end of the subscription may take. */
  readonly timeoutMs: number
  /** It could not begin to listen. */
  readonly failed: (error: unknown) => void
}

/**
 * What processes tell each other at once, over publish and subscribe: paths that were invalidated. Who misses one finds out when its memory looks at
 * the level again. One that somebody else repeats is not heard.
 */
export class Announcements {
  readonly #options: AnnouncementOptions
  readonly #listeners = new Set<(path: Path) => void>()
  /** Who we are: what we tell, we know. */
  readonly #self = loadCrypto().randomBytes(16).toString('base64url')
  readonly #replays = new Replays()
  #end: (() => Promise<unknown>) | undefined

  constructor(options: AnnouncementOptions) {
    this.#options = options
  }

  /** Rejects with a `StoreFault` if it could not be told. */
  async announce({ sharedAs, path }: Path): Promise<void> {
    const { client, store, keys, channel } = this.#options
    if (client === undefined) return
    const text = padded(JSON.stringify([this.#self, Date.now(), sharedAs, path]))
    const message = seal(keys.seals.announcements, this.#data(), text)
    await store.run(() => client.publish(channel, message.toString('base64url')))
  }

  /** Begins to listen with the first listener, and ends with the last. */
  add(listener: (path: Path) => void): () => void {
    const { subscriber, channel, failed, lifecycle } = this.#options
    if (subscriber === undefined || lifecycle.isClosing) return () => {}
    const one = (path: Path): void => listener(path)
    this.#listeners.add(one)
    this.#end ??= listen(subscriber, channel, { heard: (message) => this.#heard(message), failed })
    return () => {
      this.#listeners.delete(one)
      if (this.#listeners.size === 0) this.close()
    }
  }

  close(): void {
    this.#listeners.clear()
    const end = this.#end
    this.#end = undefined
    if (end !== undefined) void this.#options.lifecycle.track(this.#inTime(end()))
  }

  /** The connection may hang. */
  #inTime(ended: Promise<unknown>): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const stop = this.#options.clock.after(this.#options.timeoutMs, resolve)
    return Promise.race([ended, promise]).finally(stop)
  }

  #heard(message: string): void {
    const bytes = Buffer.from(message, 'base64url')
    for (const { announcements } of this.#options.keys.opens) {
      const text = unseal(announcements, this.#data(), bytes)
      if (text === undefined) continue
      const [from, at, sharedAs, path] = JSON.parse(text.toString()) as readonly [string, number, string, string] // sealed by `announce` in a process that has our key
      const isNew = from !== this.#self && this.#replays.isNew(bytes.toString('base64url', 0, sealLength), at)
      if (isNew) for (const listener of this.#listeners) listener({ sharedAs, path })
      return
    }
  }

  #data(): Buffer {
    return lengthPrefixed([format, 'announcement', this.#options.namespace])
  }
}

/** JSON ends in as many spaces as one likes: the length of a message tells no more of a name than which multiple of this it has. */
const paddedTo = 256

function padded(json: string): Buffer {
  const length = Buffer.byteLength(json)
  const text = Buffer.alloc(Math.ceil(length / paddedTo) * paddedTo, ' ')
  text.write(json)
  return text
}

/** Clocks may be apart by so much, and a message under way for so long. */
const toleranceMs = 60_000

/** Whoever has the server may tell again what he once heard. What was told is believed once, and soon. */
class Replays {
  /** What was heard of late, and when it was told. */
  readonly #toldAt = new Map<string, number>()

  isNew(id: string, toldAt: number): boolean {
    const now = Date.now()
    this.#forget(now)
    if (!(Math.abs(now - toldAt) <= toleranceMs) || this.#toldAt.has(id)) return false
    this.#toldAt.set(id, toldAt)
    return true
  }

  /** What is too old to be believed need not be remembered; they stand in about the order of their times. */
  #forget(now: number): void {
    for (const [id, toldAt] of this.#toldAt) {
      if (now - toldAt <= toleranceMs) return
      this.#toldAt.delete(id)
    }
  }
}
