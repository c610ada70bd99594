import { isUnasked } from '../errors/error-classes.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import type { Route } from '../chain/routing.ts'
import type { ManagerParts } from '../manager/parts.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { type CurrentSecret, type Probed, probeCurrent, readCurrent } from './known/current.ts'
import { isOlder, KnownVersion } from './known/known-version.ts'
import type { LiveState } from './known/live-state.ts'
import { LookTimer } from './look-timer.ts'
import type { Schedule } from './schedule.ts'

export interface WatchListener {
  readonly intervalMs: number
  /** The first value is there, before any change. */
  readonly began: ((value: SecretValue) => void) | undefined
  readonly changed: (value: SecretValue) => void
  /** The store could not be asked for the first value yet. */
  readonly delayed: ((error: SecretsError) => void) | undefined
  /** The store refused: the value may be withdrawn. Once until the store answers again. */
  readonly lost: (error: SecretsError) => void
  readonly ended: () => void
}

export interface WatchOptions {
  readonly parts: ManagerParts
  readonly route: Route
  readonly state: LiveState
  readonly schedule: Schedule
  /** The last listener has gone. */
  readonly left: () => void
}

/** `probe` asks the store; `cache` reads what the manager's cache brings after an announcement. */
type Look = 'probe' | 'cache'

/** A file that is replaced in two steps is away for a moment. */
const replacedMs = 500

/** Looks for changes of one secret, on behalf of all who watch it. */
export class Watch {
  readonly #options: WatchOptions
  readonly #listeners = new Set<WatchListener>()
  readonly #timer: LookTimer
  readonly #known = new KnownVersion()
  #isLooking = false
  #next: Look | undefined
  #failures = 0
  #missingSince: number | undefined
  /** They heard that the store refused, and it has not answered since. */
  readonly #lost = new Set<WatchListener>()
  #isLease = false
  /** A value was read for this watch; what was known before it may be old. */
  #hasBegun = false

  constructor(options: WatchOptions) {
    this.#options = options
    this.#timer = new LookTimer(options.schedule, () => this.look('probe'))
  }

  get route(): Route {
    return this.#options.route
  }

  /** Returns the function that ends it. */
  add(listener: WatchListener): () => void {
    const isFirst = this.#listeners.size === 0
    const isSooner = listener.intervalMs < this.#timer.intervalMs
    this.#listeners.add(listener)
    if (isFirst || isSooner) this.#timer.intervalMs = listener.intervalMs
    const isAnswered = this.#hasBegun && this.#lost.size === 0
    if (isAnswered) this.#began([listener])
    if (isFirst) this.look('cache')
    else if (!isAnswered && !this.#isLooking) this.look('probe')
    else if (isSooner && !this.#isLooking) this.#plan()
    return () => this.#remove(listener)
  }

  /** Looks now, or again after the look that is under way: that one may be too early. */
  look(kind: Look): void {
    if (this.#isLooking) this.#next = this.#next === 'probe' ? 'probe' : kind
    else void this.#lookNow(kind)
  }

  /** Looks within this time, unless it does so anyway. */
  lookWithin(ms: number): void {
    if (this.#isLooking) this.look('probe')
    else this.#timer.within(ms)
  }

  /** Tells all who listen, and goes on with none. */
  end(): void {
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    this.#stop()
    for (const { ended } of listeners) ended()
  }

  /**
   * Takes a value that was read past the cache. An older one counts once the store has given it for
   * half an interval: until then it may be of a replica that lags.
   */
  take(current: CurrentSecret): void {
    const { state } = this.#options
    if (this.#known.isBehind(current.value, state.latest, this.#timer.intervalMs)) state.isSure = false
    else this.#accept(current)
  }

  #accept(current: CurrentSecret): void {
    this.#isLease = current.isLease
    const isFirst = !this.#hasBegun
    this.#hasBegun = true
    const { latest } = this.#options.state
    const isChanged = this.#options.state.take(current)
    if (latest !== undefined && isOlder(current.value, latest)) this.#saw(current.value, true)
    this.#answered()
    if (isFirst) this.#began(this.#listeners)
    else if (isChanged) for (const { changed } of this.#listeners) changed(current.value)
  }

  #remove(listener: WatchListener): void {
    if (!this.#listeners.delete(listener)) return
    this.#lost.delete(listener)
    if (this.#listeners.size > 0) return
    this.#stop()
    this.#options.left()
  }

  #stop(): void {
    this.#timer.stop()
    this.#next = undefined
    Object.assign(this.#options.state, { isSure: false, isWithdrawn: false })
  }

  async #lookNow(kind: Look): Promise<void> {
    this.#isLooking = true
    try {
      await this.#ask(kind)
      this.#failures = 0
    } catch (error) {
      if (this.#listeners.size > 0) this.#failed(error)
    }
    this.#isLooking = false
    const next = this.#next
    this.#next = undefined
    if (this.#listeners.size === 0) return
    if (next === undefined) this.#plan()
    else void this.#lookNow(next)
  }

  async #ask(kind: Look): Promise<void> {
    const { parts, route, state } = this.#options
    const { latest } = state
    if (kind === 'cache' || !this.#hasBegun || latest === undefined || this.#isLease) {
      this.#known.forget()
      return this.#takeIfSure(await readCurrent(parts, route))
    }
    const probed = await probeCurrent(parts, route)
    if (probed?.degraded && !latest.degraded) throw notSure(route.name)
    if (this.#listeners.size === 0) return
    if (probed !== undefined && this.#known.isKnown(probed, state.latest ?? latest)) return this.#answered()
    const before = state.latest ?? latest
    if (probed !== undefined && isOlder(before, probed)) this.#saw(probed)
    const current = await readCurrent(parts, route, { fresh: true })
    this.#takeIfSure(current)
    this.#known.wasRead(probed, before, current.value)
  }

  /** Tells the cache, which must not go back behind it. */
  #saw({ provider, version }: Pick<Probed, 'provider' | 'version'>, isReset = false): void {
    if (version === undefined) return
    for (const { chainEntry, path } of this.#options.route.locations)
      if (chainEntry.provider.name === provider) chainEntry.store.saw(path, version, isReset)
  }

  #takeIfSure(current: CurrentSecret): void {
    const { state, route } = this.#options
    const { latest } = state
    const { stale, degraded } = current.value
    if (latest !== undefined && (stale || (degraded && !latest.degraded))) throw notSure(route.name)
    if (this.#listeners.size === 0) return
    if (state.isLate(current)) this.#next ??= 'probe'
    else this.take(current)
    if (stale) throw notSure(route.name)
  }

  /** The store gave the value, or said that it has not changed. */
  #answered(): void {
    const { state } = this.#options
    Object.assign(state, { isSure: true, isWithdrawn: false })
    if (state.latest !== undefined) this.#saw(state.latest)
    this.#missingSince = undefined
    if (this.#lost.size === 0) return
    this.#lost.clear()
    this.#began(this.#listeners)
  }

  #began(listeners: Iterable<WatchListener>): void {
    const { latest } = this.#options.state
    if (latest !== undefined) for (const { began } of listeners) began?.(latest)
  }

  #failed(error: unknown): void {
    const failure = SecretsError.isInstance(error) ? error : new SecretsError('INTERNAL', 'unexpected failure while it was watched')
    const { state } = this.#options
    state.isSure = false
    this.#failures += 1
    const isBeingReplaced = this.#hasBegun && this.#isBeingReplaced(failure)
    if (failure.code === 'ABORTED') return
    if (isUnasked(failure.code) || failure.code === 'AUDIT_FAILED') {
      if (!this.#hasBegun) for (const { delayed } of this.#listeners) delayed?.(failure)
      return
    }
    if (isBeingReplaced) return
    state.isWithdrawn = true
    for (const listener of this.#listeners) this.#lose(listener, failure)
  }

  #isBeingReplaced({ code }: SecretsError): boolean {
    const isMissing = code === 'NOT_FOUND' || code === 'CONFIGURATION'
    const now = performance.now()
    this.#missingSince = isMissing ? (this.#missingSince ?? now) : undefined
    return this.#missingSince !== undefined && now - this.#missingSince < replacedMs
  }

  #lose(listener: WatchListener, failure: SecretsError): void {
    if (this.#lost.has(listener)) return
    this.#lost.add(listener)
    listener.lost(failure)
  }

  #plan(): void {
    // Once a look: many may leave between two.
    this.#timer.intervalMs = [...this.#listeners].reduce((least, { intervalMs }) => Math.min(least, intervalMs), Infinity)
    if (this.#failures === 0) this.#timer.afterAnswer(this.#options.state.latest?.expiresAt)
    else if (this.#missingSince !== undefined && this.#lost.size === 0) this.#timer.after(2 * replacedMs)
    else this.#timer.afterFailures(this.#failures)
  }
}

function notSure(secret: string): SecretsError {
  return new SecretsError('UNAVAILABLE', 'the store cannot be asked whether it changed', { secret })
}
