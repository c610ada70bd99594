import { backOff, type BackOff, isTelling } from './back-off.ts'
import { isOutage } from '../errors/error-classes.ts'
import { withContext, SecretsError } from '../errors/secrets-error.ts'

/** In a row and over more than one path: a single failing secret has its own back-off. */
const usualOpening = { failures: 5, paths: 2 }

/** When the next probe may run after an outage. */
const probeAfterMs = [1_000, 3_000] as const
/** For a reader with a stale value, or a part that reads can do without, such as a cache. */
const restMs = [8_000, 10_000] as const
/** The probe's time alone decides, unless the store named one. */
const noBackOff = { longestMs: 0 }

type Pace = (error: SecretsError, before: BackOff | undefined, now: number) => BackOff

/** Random, so that processes that failed together do not probe together. */
function paced(pauseMs: readonly [shortest: number, longest: number]): Pace {
  return (error, before, now) => {
    if (!isOutage(error.code)) return backOff(error, before, now)
    const failing = backOff(error, before, now, noBackOff)
    const after = ([shortest, longest]: typeof pauseMs): number => failing.retryAt + shortest + (longest - shortest) * Math.random()
    return { ...failing, retryAt: after(pauseMs), restUntil: after(restMs) }
  }
}

const hurried: Pace = paced(probeAfterMs)
export const unhurried: Pace = paced(restMs)

export interface CircuitBreakerOptions {
  readonly pace?: Pace | undefined
  /** How many failures in a row open it, and over how many paths. Default: 5 over 2. */
  readonly opensAfter?: { readonly failures: number; readonly paths: number } | undefined
  /** A call that takes longer may hang, so a second probe may run. Absent: never. */
  readonly probeMs?: number | undefined
}

/**
 * Opens after several failures in a row, or without a credential. Later it lets one call through,
 * the probe. Its success closes the circuit; its failure opens it again.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions
  #failures = 0
  readonly #paths = new Set<string>()
  #failing: BackOff | undefined
  #probingSince: number | undefined
  #recoveredAt = -Infinity
  #hasHung = false

  constructor(options: CircuitBreakerOptions = {}) {
    this.#options = options
  }

  get outage(): SecretsError | undefined {
    return this.#isOpen ? this.#failing?.error : undefined
  }

  /** When a probe last succeeded: earlier failures are out of date. */
  get recoveredAt(): number {
    return this.#recoveredAt
  }

  /**
   * Returns why the provider must not be asked. If `undefined`, call `succeeded`, `failed` or
   * `withdrawn` afterwards.
   */
  refusal(now: number): SecretsError | undefined {
    const failing = this.#failing
    if (failing === undefined || !this.#isOpen) return undefined
    // A clock that was set back must not stretch the cool-down.
    if ((now >= failing.retryAt || now < failing.at) && !this.#isProbing(now)) {
      this.#probingSince = now
      return undefined
    }
    return refusalOf(failing, now)
  }

  /** Why a reader with a stale value does not probe yet: readers without one go first. */
  rest(now: number): SecretsError | undefined {
    const failing = this.#isOpen ? this.#failing : undefined
    return failing !== undefined && now >= failing.at && now < failing.restUntil ? refusalOf(failing, now) : undefined
  }

  /** Why an attempt will probably fail now: the last one hung, or the circuit is open. */
  expected(now: number): SecretsError | undefined {
    const failing = this.#isOpen || this.#hasHung ? this.#failing : undefined
    return failing !== undefined && isTelling(failing, now) ? failing.error : undefined
  }

  succeeded(): void {
    if (this.#isOpen) this.#recoveredAt = Date.now()
    this.#failures = 0
    this.#paths.clear()
    this.#failing = undefined
    this.#probingSince = undefined
    this.#hasHung = false
  }

  failed(paths: readonly string[], now: number, error: SecretsError, begunAt: number = now): void {
    const openedAt = this.#failing?.at ?? 0
    // `openedAt` is in the future if the clock was set back.
    const isKnown = this.#isOpen && begunAt < openedAt && openedAt <= now
    this.#failures += 1
    const most = this.#opensAfter.paths
    for (const path of paths.slice(0, most)) if (this.#paths.size < most) this.#paths.add(path)
    // A call that began before the circuit opened must not keep it open.
    if (isKnown) return
    const { pace = hurried, probeMs = Infinity } = this.#options
    this.#hasHung = now - begunAt >= probeMs
    this.#failing = pace(error, this.#failing, now)
    this.#probingSince = undefined
  }

  withdrawn(): void {
    this.#probingSince = undefined
  }

  #isProbing(now: number): boolean {
    const { probeMs = Infinity } = this.#options
    return this.#probingSince !== undefined && Math.abs(now - this.#probingSince) <= probeMs
  }

  get #opensAfter(): typeof usualOpening {
    return this.#options.opensAfter ?? usualOpening
  }

  get #isOpen(): boolean {
    const hasFailed = this.#failures >= this.#opensAfter.failures && this.#paths.size >= this.#opensAfter.paths
    return hasFailed || this.#failing?.error.code === 'CREDENTIALS_MISSING'
  }
}

const heldBack = new WeakSet<SecretsError>()

export function isHeldBack(error: SecretsError): boolean {
  return heldBack.has(error)
}

export function heldBackBy(refusal: SecretsError, provider: string): SecretsError {
  const error = withContext(refusal, { provider })
  heldBack.add(error)
  return error
}

function refusalOf({ error, retryAt }: BackOff, now: number): SecretsError {
  const details = { remedy: error.remedy, retryAt: Math.max(retryAt, now) }
  if (error.code === 'CREDENTIALS_MISSING') return new SecretsError(error.code, error.problem, details)
  return new SecretsError('UNAVAILABLE', `not asked for a while after repeated failures; the last: ${error.problem}`, details)
}
