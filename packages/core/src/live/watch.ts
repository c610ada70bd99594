import { isUnasked } from '../errors/error-classes.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import type { Route } from '../chain/routing.ts'
import { jittered } from '../guard/deadline.ts'
import type { ManagerParts } from '../manager/parts.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { type CurrentSecret, type Probed, probeCurrent, readCurrent } from './current.ts'
import type { LiveState } from './live-state.ts'
import { hasIdentity } from './same-secret.ts'
import type { Schedule } from './schedule.ts'

export interface WatchListener {
  readonly intervalMs: number
  /** The first value is there, before any change. */
  readonly began?: (() => void) | undefined
  readonly changed: (value: SecretValue) => void
  /** The store could not be asked for the first value yet. */
  readonly delayed?: ((error: SecretsError) => void) | undefined
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

/** In an outage the pauses double up to this, or to the interval if that is longer. */
const longestPauseMs = 60_000

/** Looks for changes of one secret, on behalf of all who watch it. */
export class Watch {
  readonly #options: WatchOptions
  readonly #listeners = new Set<WatchListener>()
  #isLooking = false
  #next: Look | undefined
  #cancel: (() => void) | undefined
  #failures = 0
  #isLost = false
  #isLease = false
  #probed: Probed | undefined
  #intervalMs = Infinity
  /** The first pause is a random part of the interval, so that processes do not look in step. */
  #isInPhase = false
  /** A replica that lags gives an older version once; a store that was reset, again and again. */
  #wasBehind = false
  /** A value was read for this watch; what was known before it may be old. */
  #hasBegun = false

  constructor(options: WatchOptions) {
    this.#options = options
  }

  get route(): Route {
    return this.#options.route
  }

  /** Returns the function that ends it. */
  add(listener: WatchListener): () => void {
    const isFirst = this.#listeners.size === 0
    const isSooner = listener.intervalMs < this.#intervalMs
    this.#listeners.add(listener)
    if (this.#hasBegun) listener.began?.()
    if (isFirst || isSooner) this.#intervalMs = listener.intervalMs
    if (isFirst) this.look('cache')
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
    else this.#planAfter(Math.random() * ms)
  }

  /** Tells all who listen, and goes on with none. */
  end(): void {
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    this.#stop()
    for (const { ended } of listeners) ended()
  }

  /** Takes a value that was read past the cache for another reason. */
  take({ value, isLease }: CurrentSecret): void {
    const { state } = this.#options
    this.#isLease = isLease
    const isFirst = !this.#hasBegun
    this.#hasBegun = true
    const isChanged = state.adopt(value)
    state.isSure = true
    this.#isLost = false
    if (isFirst) for (const { began } of this.#listeners) began?.()
    else if (isChanged) for (const { changed } of this.#listeners) changed(value)
  }

  #remove(listener: WatchListener): void {
    if (!this.#listeners.delete(listener)) return
    this.#intervalMs = [...this.#listeners].reduce((least, { intervalMs }) => Math.min(least, intervalMs), Infinity)
    if (this.#listeners.size > 0) return
    this.#stop()
    this.#options.left()
  }

  #stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#next = undefined
    this.#options.state.isSure = false
  }

  async #lookNow(kind: Look): Promise<void> {
    this.#isLooking = true
    try {
      await this.#ask(kind)
      this.#failures = 0
    } catch (error) {
      this.#failed(error)
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
    if (kind === 'cache' || !this.#hasBegun || state.latest === undefined || this.#isLease)
      return this.#takeIfSure(await readCurrent(parts, route))
    const probed = await probeCurrent(parts, route)
    if (probed?.degraded && !state.latest.degraded) throw notSure(route.name)
    if (probed !== undefined && this.#isKnown(probed, state.latest)) {
      state.isSure = true
      this.#isLost = false
      this.#wasBehind = false
      return
    }
    this.#takeIfSure(await readCurrent(parts, route, { fresh: true }))
    // Of before the read: what changed in between is seen by the next probe.
    if (!this.#wasBehind) this.#probed = probed
  }

  #takeIfSure(current: CurrentSecret): void {
    const { latest } = this.#options.state
    const { stale, degraded } = current.value
    if (latest !== undefined && (stale || (degraded && !latest.degraded))) throw notSure(this.#options.route.name)
    this.#probed = undefined
    const isBehind = latest !== undefined && !this.#wasBehind && isOlder(current.value, latest)
    this.#wasBehind = isBehind
    if (isBehind) this.#options.state.isSure = false
    else if (this.#listeners.size > 0) this.take(current)
    if (stale) throw notSure(this.#options.route.name)
  }

  /** A provider may give an identity to probes that its values do not have. */
  #isKnown(probed: Probed, latest: SecretValue): boolean {
    return [this.#probed, latest].some((known) => known !== undefined && hasIdentity(known) && isEqual(known, probed))
  }

  #failed(error: unknown): void {
    const failure = SecretsError.isInstance(error) ? error : new SecretsError('INTERNAL', 'unexpected failure while it was watched')
    const { state } = this.#options
    state.isSure = false
    this.#failures += 1
    if (failure.code === 'ABORTED') return
    if (isUnasked(failure.code) || failure.code === 'AUDIT_FAILED') {
      if (!this.#hasBegun) for (const { delayed } of this.#listeners) delayed?.(failure)
      return
    }
    if (this.#isLost) return
    this.#isLost = true
    for (const { lost } of this.#listeners) lost(failure)
  }

  #plan(): void {
    const { expiresAt = Infinity } = this.#options.state.latest ?? {}
    if (this.#failures > 0) return this.#planAfter(this.#backOffMs)
    const pauseMs = this.#isInPhase ? this.#intervalMs : this.#intervalMs * Math.random()
    this.#isInPhase = true
    this.#planAfter(Math.min(pauseMs, Math.max(expiresAt - Date.now(), 1_000)))
  }

  get #backOffMs(): number {
    const doubled = this.#intervalMs * 2 ** Math.min(this.#failures, 10)
    return jittered(Math.min(doubled, Math.max(this.#intervalMs, longestPauseMs)))
  }

  #planAfter(ms: number): void {
    this.#cancel?.()
    this.#cancel = this.#options.schedule.after(ms, () => this.look('probe'))
  }
}

function isEqual(known: Pick<Probed, 'provider' | 'version' | 'revision'>, probed: Probed): boolean {
  return known.provider === probed.provider && known.version === probed.version && known.revision === probed.revision
}

function isOlder(value: SecretValue, latest: SecretValue): boolean {
  return value.provider === latest.provider && (value.version ?? Infinity) < (latest.version ?? 0)
}

function notSure(secret: string): SecretsError {
  return new SecretsError('UNAVAILABLE', 'the store cannot be asked whether it changed', { secret })
}
