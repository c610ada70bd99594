import type { NatsBucket, NatsBuckets } from './client.ts'
import { keyName } from './names.ts'

/** Codes of JetStream: another text is under the key. */
const conflicts = new Set<unknown>([10_071, 10_164])
/** For how long a purged key is known as such. */
const purgedFor = '1s'
/** The mark of a deleted key may end between two of them. */
const attemptsToAdd = 3
/** Of the connection's own domain. */
const ownPrefix = '$JS.API'

/** Texts with a time to live in one bucket. The server's clock decides what has ended. */
export class NatsTexts {
  readonly #buckets: NatsBuckets
  readonly #name: string
  #opening: Promise<NatsBucket> | undefined

  constructor(buckets: NatsBuckets, name: string) {
    this.#buckets = buckets
    this.#name = name
  }

  async getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    const bucket = await this.#open()
    const entries = await Promise.all(keys.map((key) => bucket.get(keyName(key))))
    return entries.map((entry) => (entry?.operation === 'PUT' ? entry.string() : undefined))
  }

  /** A bucket's own `put` takes no time to live, and without one the text would never end. */
  async set(key: string, text: string, ttlMs: number): Promise<boolean> {
    await this.#buckets.js.publish(this.#subjectOf(key), text, { ttl: secondsOf(ttlMs) })
    return true
  }

  /**
   * Only if there is no text under the key. Returns whether it was written. Not by a bucket's own
   * `create`, which fails if the mark of a deleted key ends meanwhile.
   */
  async add(key: string, text: string, ttlMs: number): Promise<boolean> {
    let revision = 0
    for (let attempt = 1; attempt <= attemptsToAdd; attempt += 1) {
      if (await this.#replace(revision, key, text, ttlMs)) return true
      const entry = await (await this.#open()).get(keyName(key))
      if (entry?.operation === 'PUT') return false
      revision = entry?.revision ?? 0
    }
    return false
  }

  async #replace(revision: number, key: string, text: string, ttlMs: number): Promise<boolean> {
    const options = { ttl: secondsOf(ttlMs), expect: { lastSubjectSequence: revision } }
    try {
      await this.#buckets.js.publish(this.#subjectOf(key), text, options)
      return true
    } catch (error) {
      if (error instanceof Error && conflicts.has(Reflect.get(error, 'code'))) return false
      throw error
    }
  }

  /** Buckets of two domains may have the same name. */
  #subjectOf(key: string): string {
    const { apiPrefix } = this.#buckets.js
    return `${apiPrefix === ownPrefix ? '' : `${apiPrefix}.`}$KV.${this.#name}.${keyName(key)}`
  }

  /** A bucket's own `delete` would leave a mark of the key for good. */
  async delete(key: string): Promise<boolean> {
    const bucket = await this.#open()
    await bucket.purge(keyName(key), { ttl: purgedFor })
    return true
  }

  /** Not by `allow_direct`: a replica that lags would answer, and no process would know. */
  #open(): Promise<NatsBucket> {
    const opening = (this.#opening ??= this.#buckets.open(this.#name, { allow_direct: false }))
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = undefined
    })
    return opening
  }
}

/** NATS counts in whole seconds, and refuses less than one. */
function secondsOf(ttlMs: number): string {
  return `${Math.max(1, Math.floor(ttlMs / 1_000))}s`
}
