import type { KeyvCacheOptions } from '@finchat/secrets-cache-keyv'
import { Calls } from './counting-store.ts'
import { type Latency, noJitter } from './latency.ts'
import type { VirtualTime } from './virtual-time.ts'

interface Held {
  readonly text: string
  readonly until: number
}

/** What `SET` of node-redis takes. */
interface SetOptions {
  readonly PX: number
  readonly NX?: boolean
}

/** What one process gives its cache. */
interface Connection extends Required<Pick<KeyvCacheOptions, 'store' | 'client'>> {
  readonly store: KeyvCacheOptions['store'] & { readonly getMany: (keys: readonly string[]) => Promise<(string | undefined)[]> }
  readonly client: NonNullable<KeyvCacheOptions['client']>
}

/** A Redis or Valkey server behind a network. It refuses connections while it is down. */
export class SimulatedServer {
  /** Commands by all processes: the load of the server. */
  readonly commands: Calls = new Calls()
  isDown = false
  readonly #time: VirtualTime
  readonly #latency: Latency
  readonly #held = new Map<string, Held>()

  /** `latency`: one way to it or back. */
  constructor(time: VirtualTime, latency: Latency = noJitter(0)) {
    this.#time = time
    this.#latency = latency
  }

  /** A connection of one process, with the methods of a Keyv adapter and of node-redis. */
  connect(): Connection {
    const [there, back] = [new Way(this.#time, this.#latency), new Way(this.#time, this.#latency)]
    const run = async <T>(command: () => T): Promise<T> => {
      this.commands.add('forOne', this.#time.now())
      await there.pass()
      if (this.isDown) throw new Error('connection refused')
      const answer = command()
      await back.pass()
      return answer
    }
    const store: Connection['store'] = {
      get: (key: string) => run(() => this.#text(key)),
      getMany: (keys) => run(() => keys.map((key) => this.#text(key))),
      set: (key: string, text: string, ttl = 0) => run(() => this.#set(key, text, { PX: ttl })),
      delete: (key: string) => run(() => this.#held.delete(key)),
    }
    const client: Connection['client'] = {
      get: (key) => run(() => this.#text(key) ?? null),
      set: (key: string, text: string, options: SetOptions) => run(() => (this.#set(key, text, options) ? 'OK' : null)),
      del: (key) => run(() => Number(this.#held.delete(key))),
      publish: () => run(() => 0),
    }
    return { store, client }
  }

  /** Whether a key has this text. */
  has(text: string): boolean {
    for (const [key, held] of this.#held) if (held.text === text) return this.#text(key) === text
    return false
  }

  #text(key: string): string | undefined {
    const held = this.#held.get(key)
    return held !== undefined && held.until > this.#time.now() ? held.text : undefined
  }

  #set(key: string, text: string, { PX, NX = false }: SetOptions): boolean {
    if (NX && this.#text(key) !== undefined) return false
    this.#held.set(key, { text, until: this.#time.now() + PX })
    return true
  }
}

/** One direction of a connection, which keeps the order. */
class Way {
  readonly #time: VirtualTime
  readonly #latency: Latency
  #last = { sentAt: -1, arrivesAt: -1 }

  constructor(time: VirtualTime, latency: Latency) {
    this.#time = time
    this.#latency = latency
  }

  async pass(): Promise<void> {
    const now = this.#time.now()
    // What is sent together travels together.
    if (this.#last.sentAt !== now) this.#last = { sentAt: now, arrivesAt: Math.max(this.#last.arrivesAt, now + this.#latency()) }
    if (this.#last.arrivesAt > now) await this.#time.sleep(this.#last.arrivesAt - now)
  }
}
