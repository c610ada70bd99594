import type { RedisClient } from '../store/redis-client.ts'

interface Held {
  readonly text: string
  readonly until: number
}

/**
 * A Redis in memory whose every command waits until it is chosen, in the order of its connection. A process
 * that is not chosen is stopped; what it has sent is late.
 */
export class ScheduledRedis {
  readonly held: Map<string, Held> = new Map()
  #starts = 1
  readonly #waiting = new Map<number, (() => void)[]>()
  readonly #isImmediate: boolean

  /** `isImmediate`: no command waits. */
  constructor({ isImmediate = false }: { readonly isImmediate?: boolean } = {}) {
    this.#isImmediate = isImmediate
  }

  client(process: number): RedisClient {
    const send = <T>(run: () => T): Promise<T> =>
      new Promise((resolve) => {
        const waiting = this.#waiting.get(process) ?? []
        this.#waiting.set(process, waiting)
        waiting.push(() => resolve(run()))
        if (this.#isImmediate) this.run(process)
      })
    return {
      get: (key) => send(() => this.#get(key) ?? null),
      set: (key: string, text: string, { PX, NX = false }: { PX: number; NX?: boolean }) => send(() => this.#set(key, text, PX, NX)),
      del: (key) => send(() => this.held.delete(key)),
      publish: () => send(() => 0),
      info: () => send(() => `redis_version:6.2.14\r\nrun_id:${this.runId}\r\n`),
    }
  }

  get runId(): string {
    return String(this.#starts).padStart(40, '0')
  }

  /** The server starts again, with what it held then. */
  restart(snapshot: ReadonlyMap<string, Held> = new Map(this.held)): void {
    this.#starts += 1
    this.held.clear()
    for (const [key, held] of snapshot) this.held.set(key, held)
  }

  /** The processes whose commands wait. */
  get waiting(): readonly number[] {
    return [...this.#waiting].filter(([, commands]) => commands.length > 0).map(([process]) => process)
  }

  /** Runs the next command of this process. False: none waits. */
  run(process: number): boolean {
    const command = this.#waiting.get(process)?.shift()
    command?.()
    return command !== undefined
  }

  #get(key: string): string | undefined {
    const held = this.held.get(key)
    return held !== undefined && held.until > Date.now() ? held.text : undefined
  }

  #set(key: string, text: string, ttlMs: number, isNew: boolean): 'OK' | null {
    if (isNew && this.#get(key) !== undefined) return null
    this.held.set(key, { text, until: Date.now() + ttlMs })
    return 'OK'
  }
}
