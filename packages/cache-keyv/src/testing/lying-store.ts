import type { KeyvStore } from '../store/text-store.ts'

/**
 * What a cache server does wrong. `loses`: every second text, at random. `loses generations` or
 * `loses entries`: all of them. `replays`: any text that it had under the key. `returns`: what it
 * had when the lie began. `keeps`: ends nothing. `writes nothing`: but says so.
 */
export const lies = [
  'honest',
  'loses',
  'loses all',
  'loses generations',
  'loses entries',
  'corrupts',
  'swaps',
  'replays',
  'returns',
  'keeps',
  'writes nothing',
  'hangs',
  'fails',
] as const
export type Lie = (typeof lies)[number]

interface Held {
  readonly text: string
  readonly until: number
}

/** A cache server in memory that lies on demand. */
export class LyingStore implements KeyvStore {
  readonly #held = new Map<string, Held>()
  readonly #former = new Map<string, string[]>()
  #before: ReadonlyMap<string, Held> = new Map()
  #lie: Lie = 'honest'

  set lie(lie: Lie) {
    this.#lie = lie
    this.#before = new Map(this.#held)
  }

  readonly get = async (key: string): Promise<string | undefined> => {
    await this.#enter()
    const text = this.#live(key)
    switch (this.#lie) {
      case 'loses':
        return Math.random() < 0.5 ? text : undefined
      case 'loses all':
        return undefined
      case 'loses generations':
        return key.includes('}g') ? undefined : text
      case 'loses entries':
        return key.includes('}e') ? undefined : text
      case 'corrupts':
        return text === undefined ? undefined : `${text.slice(0, 20)}${text[20] === 'A' ? 'B' : 'A'}${text.slice(21)}`
      case 'swaps':
        return anyOf([...this.#held.values()])?.text
      case 'replays':
        return anyOf(this.#former.get(key) ?? [])
      case 'returns':
        return this.#before.get(key)?.text
      case 'keeps':
        return this.#held.get(key)?.text
      default:
        return text
    }
  }

  readonly set = async (key: string, text: string, ttl: number = Infinity): Promise<boolean> => {
    await this.#enter()
    if (this.#lie === 'writes nothing') return true
    this.#held.set(key, { text, until: performance.now() + ttl })
    this.#former.set(key, [...(this.#former.get(key) ?? []), text])
    return true
  }

  readonly delete = async (key: string): Promise<boolean> => {
    await this.#enter()
    return this.#held.delete(key)
  }

  #live(key: string): string | undefined {
    const held = this.#held.get(key)
    return held !== undefined && held.until > performance.now() ? held.text : undefined
  }

  async #enter(): Promise<void> {
    if (this.#lie === 'hangs') await new Promise(() => {})
    if (this.#lie === 'fails') throw new Error('the cache server fails')
  }
}

function anyOf<T>(all: readonly T[]): T | undefined {
  return all[Math.floor(Math.random() * all.length)]
}
