import { bounded, type Bounds, freezeDetector } from '../../guard/deadline.ts'
import type { LeaseToken, SharedCache, SharedKey } from '../../contract/shared-cache.ts'
import type { StoredSecret } from '../../contract/provider.ts'
import { lentCopy } from '../../value/off-heap-bytes.ts'
import { CircuitBreaker, unhurried } from '../../guard/circuit-breaker.ts'
import { HighWaterMark } from './high-water-mark.ts'
import { LoadAwareClock } from '../../guard/load-aware-clock.ts'
import { SecretsError } from '../../errors/secrets-error.ts'
import { own } from '../../errors/own-properties.ts'
import { storedSecretOf } from '../../value/check-stored-secret.ts'
import { PendingInvalidations } from './pending-invalidations.ts'

/** A shared cache that takes longer than this, and does not say why it should, costs more than the store that it spares. */
const defaultLongestReadMs = 250

/** What the shared cache said of one path and version. */
export interface SharedAnswer {
  /** A secret that may be served, and when its store was asked for it. */
  readonly hit: { readonly secret: StoredSecret; readonly askedAt: number } | undefined
  /** What it holds, whether or not it may be served. */
  readonly holds: unknown
  /** There is a gap, to be filled with this. */
  readonly leaseToken: LeaseToken | undefined
  /** It could not be asked, or must not be: it says nothing of what is held in memory. */
  readonly isUnavailable: true | undefined
}

/** The read does not concern the shared cache. Members of its own: nobody else's on the prototype of every object shine through. */
export const saidNothing: SharedAnswer = { hit: undefined, holds: undefined, leaseToken: undefined, isUnavailable: undefined }
export const unavailable: SharedAnswer = { ...saidNothing, isUnavailable: true }

export interface SharedCacheClientOptions extends Bounds {
  /** How long this process, and a fleet that is set up alike, lets an answer live there. */
  readonly lifeMs: number
  /** How long what is held in memory is believed before the shared cache is looked at again. */
  readonly recheckMs: number
  /** Ends what is brought to the shared cache in the background, which goes on when `closing` has ended the reads. */
  readonly closingFills: AbortSignal
}

type Version = SharedKey['version']

/**
 * What the shared cache holds of one store. It is not trusted to be newer than what this process has seen, nor to work: its
 * failures never become a reader's, but a writer's.
 */
export class SharedCacheClient {
  readonly #cache: SharedCache
  readonly #sharedAs: string
  readonly #options: SharedCacheClientOptions
  readonly #longestReadMs: number
  readonly #circuit = new CircuitBreaker({ pace: unhurried })
  readonly #clock = new LoadAwareClock()
  readonly #highWaterMark = new HighWaterMark()
  readonly #pending = new PendingInvalidations((path, askedBefore) => this.#highWaterMark.raise(path, undefined, askedBefore))
  readonly #tasks = new Set<Promise<void>>()

  constructor(cache: SharedCache, sharedAs: string, options: SharedCacheClientOptions) {
    this.#cache = cache
    this.#sharedAs = sharedAs
    this.#options = options
    const longest = own(cache, 'longestReadMs')
    this.#longestReadMs = Math.min(isDuration(longest) ? longest : defaultLongestReadMs, options.deadlineMs)
  }

  get recheckMs(): number {
    return this.#options.recheckMs
  }

  /**
   * Resolves in the time that the shared cache says it may take, 250 ms if it does not, and at once while one that failed several times is left alone.
   * Throws `UNAVAILABLE` if it could not be asked and fails closed.
   */
  async read(path: string, version: Version): Promise<SharedAnswer> {
    if (this.#pending.has(path)) {
      if (this.#pending.begin(path, Date.now())) this.#tellInBackground(path, undefined)
      return unavailable
    }
    const answer = await this.#answer(path, version)
    if (answer.isUnavailable && own(this.#cache, 'failClosed') === true) throw closedWithLevel()
    return answer
  }

  async #answer(path: string, version: Version): Promise<SharedAnswer> {
    const now = Date.now()
    if (this.#circuit.refusal(now) !== undefined) return unavailable
    const spannedGap = freezeDetector(this.#longestReadMs)
    try {
      const answer = this.#checked(path, version, now, await this.#ask(path, version, now))
      this.#circuit.succeeded()
      return answer
    } catch {
      if (spannedGap()) this.#circuit.withdrawn()
      else this.#circuit.failed([path], Date.now(), closedWithLevel())
      return unavailable
    }
  }

  /** This process has seen what the store answered then, and goes back to nothing older. */
  saw(path: string, version: Version, askedAt: number): void {
    this.#highWaterMark.raise(path, version, askedAt)
  }

  /**
   * Brings the shared cache what the store answered after the shared cache `said` what it had: fills the gap, or takes from it what is
   * something else, for all who share it. In the background: nobody waits for it but `drain`.
   */
  bring(path: string, version: Version, said: SharedAnswer, stored: StoredSecret | undefined, askedAt: number): void {
    const isWrong = said.holds !== undefined && !isSame(said.holds, stored)
    if (isWrong || this.#pending.has(path)) this.#tellInBackground(path, newestOf(said.holds, stored))
    else this.#fill(path, version, said, stored, askedAt)
  }

  /** The store said that it was withdrawn: others drop what they hold, here and in their memory. In the background. */
  withdrawn(path: string, said: SharedAnswer, heldVersion: number = 0): void {
    this.#tellInBackground(path, Math.max(newestOf(said.holds, undefined) ?? 0, heldVersion) || undefined)
  }

  /** No answer came that may be shared: let others ask. In the background. */
  giveUp(path: string, version: Version, said: SharedAnswer): void {
    this.#fill(path, version, said, undefined, 0)
  }

  /**
   * Nothing that was there is served from now on, nor as current what has a lower number than `leastVersion`. Absent:
   * the former least stands; 0: it is lifted. Throws `UNAVAILABLE` with `effect: 'done'` if the shared cache could
   * not be told: others may serve the former value.
   */
  async invalidate(path: string, leastVersion?: number): Promise<void> {
    const telling = this.#tell(path, leastVersion, this.#inTheEnd())
    this.waitFor(telling)
    try {
      await telling
    } catch {
      throw new SecretsError('UNAVAILABLE', 'written, but the shared cache could not be told', {
        effect: 'done',
        remedy:
          'other processes may serve the former value until its TTL ends, or until this one, where it is read, finds the shared cache in reach again',
      })
    }
  }

  /** Calls `listener` for each path that other processes invalidate, until the function that it returns is called. */
  subscribe(listener: (path: string) => void): () => void {
    let isHeard = true
    const heard = (key: unknown): void => {
      const path = own(key, 'path')
      if (isHeard && typeof path === 'string' && own(key, 'sharedAs') === this.#sharedAs) listener(path)
    }
    // Without it, what others write shows here when the TTL ends: no reason to refuse to start, or to end.
    const end = attempt(() => this.#cache.subscribe?.(heard))
    return () => {
      isHeard = false
      if (typeof end === 'function') attempt(() => end())
    }
  }

  /** `drain` waits for it, whatever becomes of it. */
  waitFor(running: Promise<void>): void {
    this.#inBackground(() => running)
  }

  async drain(): Promise<void> {
    await Promise.all(this.#tasks)
  }

  #ask(path: string, version: Version, now: number): Promise<unknown> {
    const late = new AbortController()
    const stop = this.#clock.after(this.#longestReadMs, () => late.abort())
    const bounds = { ...this.#options, deadlineMs: Infinity, signal: late.signal }
    const notBefore = now - this.#options.lifeMs
    return bounded((signal) => this.#cache.read(this.#key(path, version), { signal, notBefore }), bounds).finally(stop)
  }

  /** The shared cache is not trusted with what can be seen here, nor with an entry that outlives all which are filled here. */
  #checked(path: string, version: Version, now: number, answer: unknown): SharedAnswer {
    const [hit, until, leaseToken] = [own(answer, 'hit'), own(answer, 'until'), own(answer, 'leaseToken')]
    const holds = storedSecretOf(hit) ?? hit
    // A lease token is opaque to the core: it goes back as it came.
    if (holds === undefined && own(answer, 'unavailable') === true) return unavailable
    if (holds === undefined) return { ...saidNothing, leaseToken: isObject(leaseToken) ? (leaseToken as LeaseToken) : undefined }
    const { lifeMs } = this.#options
    const askedAt = Math.min(askedAtOf(answer) ?? Number(until) - lifeMs, now)
    const isOver = !(typeof until === 'number' && until > Date.now() && askedAt + lifeMs > Date.now())
    const isUsable = !isOver && isShareable(holds, version)
    if (!isUsable || !this.#highWaterMark.admits(path, version, askedAt)) return { ...saidNothing, holds }
    this.#highWaterMark.raise(path, version, askedAt)
    return { ...saidNothing, holds, hit: { secret: holds, askedAt } }
  }

  #fill(path: string, version: Version, { leaseToken }: SharedAnswer, stored: StoredSecret | undefined, askedAt: number): void {
    if (leaseToken === undefined) return
    const until = Math.min(askedAt + this.#options.lifeMs, stored?.expiresAt ?? Infinity)
    // There are stores to which a time that is over means for ever.
    const isKept = stored !== undefined && !stored.exclusive && until > Date.now()
    const entry = isKept ? { secret: copyOf(stored), until, askedAt } : undefined
    this.#inBackground(() =>
      bounded((signal) => this.#cache.fill(this.#key(path, version), leaseToken, entry, { signal }), this.#inTheEnd()),
    )
  }

  /** A path that the shared cache could not be told of is not read there until it could: later looks there, and `bring` with the store's next answer, try again. */
  async #tell(path: string, leastVersion: number | undefined, bounds: Bounds): Promise<void> {
    const { mark } = this.#pending
    try {
      for (const least of this.#pending.leastVersions(path, leastVersion)) {
        await bounded((signal) => this.#cache.invalidate({ sharedAs: this.#sharedAs, path, leastVersion: least }, { signal }), bounds)
      }
      this.#pending.acknowledged(path, mark)
    } catch (error) {
      this.#pending.failed(path, leastVersion, Date.now())
      throw error
    }
  }

  #tellInBackground(path: string, leastVersion: number | undefined): void {
    this.#inBackground(() => this.#tell(path, leastVersion, this.#inTheEnd()))
  }

  #inTheEnd(): Bounds {
    return { ...this.#options, closing: this.#options.closingFills }
  }

  #inBackground(run: () => Promise<void>): void {
    const task = run()
      .catch(() => {})
      .finally(() => this.#tasks.delete(task))
    this.#tasks.add(task)
  }

  #key(path: string, version: Version): SharedKey {
    return { sharedAs: this.#sharedAs, path, version }
  }
}

/** When the store was asked, if the shared cache says so in a way that makes sense. */
function askedAtOf(answer: unknown): number | undefined {
  const askedAt = own(answer, 'askedAt')
  return isDuration(askedAt) ? askedAt : undefined
}

function isDuration(number: unknown): number is number {
  return typeof number === 'number' && number >= 0 && number < Infinity
}

function closedWithLevel(): SecretsError {
  return new SecretsError('UNAVAILABLE', 'the shared cache cannot be asked, and fails closed', {
    remedy: 'bring it back, or let `failClosed` be false',
  })
}

/** A secret of the version that was asked for, not expired, and nobody's lease. */
function isShareable(hit: unknown, version: Version): hit is StoredSecret {
  const secret = storedSecretOf(hit)
  if (secret === undefined || secret.exclusive) return false
  return (typeof version !== 'number' || secret.version === version) && (secret.expiresAt ?? Infinity) > Date.now()
}

/** What the shared cache holds is what the store answered. */
function isSame(holds: unknown, stored: StoredSecret | undefined): boolean {
  const held = storedSecretOf(holds)
  if (stored === undefined || stored.exclusive || held === undefined) return false
  const { value, version, revision, shape } = stored
  return held.version === version && held.revision === revision && held.shape === shape && isSameValue(held.value, value)
}

/** The store had that once: a replica of it that lags behind must not bring back, for all, what was before. */
function newestOf(holds: unknown, stored: StoredSecret | undefined): number | undefined {
  return Math.max(storedSecretOf(holds)?.version ?? 0, stored?.version ?? 0) || undefined
}

function isSameValue(one: string | Uint8Array, other: string | Uint8Array): boolean {
  return typeof one === 'string' || typeof other === 'string' ? one === other : Buffer.compare(one, other) === 0
}

/** The core overwrites the bytes that it was given; the shared cache gets its own (a Buffer's `slice` would not copy). */
function copyOf(secret: StoredSecret): StoredSecret {
  return typeof secret.value === 'string' ? secret : { ...secret, value: lentCopy(secret.value) }
}

function isObject(answer: unknown): answer is Readonly<Record<string, unknown>> {
  return typeof answer === 'object' && answer !== null
}

/** What `run` returns; its failure, at once or later, is nobody's. */
function attempt(run: () => unknown): unknown {
  try {
    const result = run()
    if (result instanceof Promise) result.catch(() => {})
    return result
  } catch {
    return undefined
  }
}
