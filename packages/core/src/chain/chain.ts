import { answerAt, type ChainRead } from './answer-at.ts'
import { Batch } from '../cache/batch.ts'
import { type Found, isFresh, type StoreRead } from '../cache/single-flight.ts'
import type { ChainEntry, Location } from './routing.ts'
import { SecretNotFoundError, SecretsError, withContext, withDetails } from '../errors/secrets-error.ts'
import type { FallbackMessage, TraceStep, Tracing } from '../observe/trace-channels.ts'
import type { SecretsErrorAttempt } from '../contract/error-codes.ts'
import { type FallbackPolicy, type RemedyHints, actionFor, stopRemedy } from './fallback-policy.ts'
import { outages } from '../errors/error-classes.ts'
import { isFinal, isRemembered } from '../cache/path-history.ts'
import { attemptOf, notAsked, notSure, stepOf, unresolvedError } from '../errors/unresolved-error.ts'

/**
 * The fallback policy as a state machine for one secret. The caller asks the store of `step` and
 * reports `missing` or `failed`, until it has a value or throws `end()`.
 */
export class FallbackTraversal<Step> {
  readonly name: string
  readonly trace: TraceStep[] = []
  /** Whose store was asked, and answered that there is no such secret. */
  readonly empty: Step[] = []
  readonly #steps: readonly Step[]
  readonly #policies: readonly (FallbackPolicy | undefined)[]
  readonly #hints: RemedyHints | undefined
  readonly #attempts: SecretsErrorAttempt[] = []
  #position = 0
  #degraded = false
  #hasUnreachable = false
  #unsupported = false
  /** The error that an overridden row would have thrown. */
  #overridden: SecretsError | undefined

  constructor(name: string, steps: readonly Step[], policies: readonly (FallbackPolicy | undefined)[], hints?: RemedyHints) {
    this.name = name
    this.#steps = steps
    this.#policies = policies
    this.#hints = hints
  }

  get step(): Step | undefined {
    return this.#steps[this.#position]
  }

  get later(): readonly Step[] {
    return this.#steps.slice(this.#position + 1)
  }

  get degraded(): boolean {
    return this.#degraded
  }

  get goesOnInOutage(): boolean {
    return outages.every((code) => actionFor(code, this.#policies) === 'next')
  }

  missing(provider: string, durationMs: number): void {
    if (this.step !== undefined) this.empty.push(this.step)
    this.#move({ provider, code: 'NOT_FOUND', durationMs })
  }

  /** Throws if the policy says stop. */
  failed(provider: string, error: SecretsError, durationMs: number): void {
    if (error.code === 'DELETED' && this.step !== undefined && !isRemembered(error)) this.empty.push(this.step)
    if (isFinal(error) || actionFor(error.code, this.#policies) === 'stop') throw this.#stopped(provider, error, durationMs)
    if (actionFor(error.code, []) === 'stop') this.#overridden ??= this.#stopped(provider, error, durationMs)
    else if (error.code !== 'UNSUPPORTED') this.#hasUnreachable = true
    if (error.code === 'UNSUPPORTED') this.#unsupported = true
    else this.#degraded = true
    this.#move(attemptOf(provider, error, durationMs))
  }

  end(): SecretsError {
    if (this.#hasUnreachable) return this.#notAsked()
    if (this.#overridden !== undefined) return this.#overridden
    if (this.#unsupported) {
      return unresolvedError('UNSUPPORTED', 'no provider that can answer this has the secret', this.name, this.#attempts)
    }
    const usual = this.#steps.length === 0 ? 'no provider holds this name (see names and onlyNamed)' : undefined
    return new SecretNotFoundError(this.name, { attempts: this.#attempts, remedy: this.#hints?.missing(this.name) ?? usual })
  }

  /**
   * Returns the error for a provider whose answer counts only if it is current. `otherwise`: the
   * remedy if no failed provider gave one.
   */
  notSure(provider: string, otherwise?: string): SecretsError {
    return notSure(this.name, provider, this.#attempts, otherwise)
  }

  #move(attempt: SecretsErrorAttempt): void {
    this.#attempts.push(attempt)
    this.trace.push(stepOf(attempt))
    this.#position += 1
  }

  #stopped(provider: string, error: SecretsError, durationMs: number): SecretsError {
    if (error.code === 'NOT_FOUND' && this.#degraded) {
      this.missing(provider, durationMs)
      return this.#notAsked()
    }
    const remedy = stopRemedy(error, provider, this.#hints)
    const attempt = { ...attemptOf(provider, error, durationMs), remedy }
    this.trace.push(stepOf(attempt))
    const attempts = this.#attempts.length === 0 ? undefined : [...this.#attempts, attempt]
    return withContext(withDetails(error, { remedy, attempts }), { secret: this.name, provider })
  }

  #notAsked(): SecretsError {
    return notAsked(this.name, this.#attempts)
  }
}

/** `degraded`: an earlier store gave no answer, or one that the policy overrode. */
export interface Reading extends Found {
  readonly location: Location
  readonly degraded: boolean
}

/** Must not wait: see `Found.held`. */
export type Deliver<T> = (reading: Reading) => T

export interface ChainAsk<T> {
  readonly traversal: FallbackTraversal<Location>
  readonly deliver: Deliver<T>
}

export class Chain {
  readonly #tracing: Tracing
  readonly #closing: AbortSignal

  constructor(tracing: Tracing, closing: AbortSignal) {
    this.#tracing = tracing
    this.#closing = closing
  }

  async read<T>(traversal: FallbackTraversal<Location>, read: ChainRead, deliver: Deliver<T>): Promise<T> {
    for (let location = traversal.step; location !== undefined; location = traversal.step) {
      const startedAt = Date.now()
      let found: Found | undefined
      try {
        found = await answerAt(location, { ...read, fallback: fallbackOf(traversal) })
      } catch (error) {
        this.#recordFallback(traversal, location, asFailure(error), startedAt)
        continue
      }
      const reading = this.#reading(traversal, location, found, startedAt)
      if (reading !== undefined) return deliver(reading)
    }
    throw read.version === 'pending' ? endOfPending(traversal) : traversal.end()
  }

  /** Asks each provider once per round. */
  async readMany<T>(asks: readonly ChainAsk<T>[], read: ChainRead): Promise<ReadonlyMap<ChainAsk<T>, PromiseSettledResult<T>>> {
    const results = new Map<ChainAsk<T>, PromiseSettledResult<T>>()
    for (let groups = byCurrentStep(asks, results); groups.size > 0; groups = byCurrentStep(asks, results)) {
      await Promise.all([...groups].map(([chainEntry, group]) => this.#stepMany(chainEntry, group, read, results)))
    }
    for (const ask of asks) if (!results.has(ask)) results.set(ask, { status: 'rejected', reason: ask.traversal.end() })
    return results
  }

  async #stepMany<T>(chainEntry: ChainEntry, group: readonly Unfinished<T>[], read: ChainRead, results: Results<T>): Promise<void> {
    const batch = new Batch(
      chainEntry.provider,
      { signal: this.#closing, ...(isFresh(read.mode) && { fresh: true }) },
      read.signal !== undefined,
    )
    // Names on one path share one answer, so that they never mix two versions.
    const answers = new Map<string, Promise<Found | undefined>>()
    const steps = group.map(async ({ ask, location }) => {
      const answer = answers.get(location.path) ?? answerAt(location, { ...read, fallback: fallbackOf(ask.traversal) }, batch)
      answers.set(location.path, answer)
      await this.#stepOf(ask, location, answer, results)
    })
    batch.seal()
    await Promise.all(steps)
  }

  async #stepOf<T>(ask: ChainAsk<T>, location: Location, answer: Promise<Found | undefined>, results: Results<T>): Promise<void> {
    const startedAt = Date.now()
    const [answered] = await Promise.allSettled([answer])
    try {
      if (answered.status === 'rejected') return this.#recordFallback(ask.traversal, location, asFailure(answered.reason), startedAt)
      const reading = this.#reading(ask.traversal, location, answered.value, startedAt)
      if (reading !== undefined) results.set(ask, { status: 'fulfilled', value: ask.deliver(reading) })
    } catch (reason) {
      results.set(ask, { status: 'rejected', reason })
    }
  }

  #reading(traversal: FallbackTraversal<Location>, location: Location, found: Found | undefined, startedAt: number): Reading | undefined {
    const { chainEntry } = location
    if (found === undefined) {
      traversal.missing(chainEntry.provider.name, elapsedSince(startedAt))
      return undefined
    }
    traversal.trace.push({ provider: chainEntry.provider.name, durationMs: elapsedSince(startedAt) })
    if (found.stale) this.#warn(traversal.name, chainEntry, found.outage ?? 'UNAVAILABLE', 'stale')
    return { ...found, location, degraded: traversal.degraded }
  }

  #recordFallback(traversal: FallbackTraversal<Location>, { chainEntry }: Location, error: SecretsError, startedAt: number): void {
    traversal.failed(chainEntry.provider.name, error, elapsedSince(startedAt))
    if (error.code !== 'UNSUPPORTED') this.#warn(traversal.name, chainEntry, error.code, 'next')
  }

  #warn(name: string, chainEntry: ChainEntry, code: SecretsError['code'], answer: 'stale' | 'next'): void {
    chainEntry.outage.failed(code)
    const { fallback, manager } = this.#tracing
    if (fallback.hasSubscribers)
      fallback.publish({ manager, name, provider: chainEntry.provider.name, code, answer } satisfies FallbackMessage)
  }
}

type Results<T> = Map<ChainAsk<T>, PromiseSettledResult<T>>

interface Unfinished<T> {
  readonly ask: ChainAsk<T>
  readonly location: Location
}

/**
 * Groups unfinished reads by their current provider. A read waits while others may still come to
 * its path, so that one answer serves them all. Traversals follow the chain's order, so one can
 * always go on.
 */
function byCurrentStep<T>(asks: readonly ChainAsk<T>[], results: Results<T>): Map<ChainEntry, Unfinished<T>[]> {
  const unfinished = asks.flatMap((ask) =>
    ask.traversal.step === undefined || results.has(ask) ? [] : [{ ask, location: ask.traversal.step }],
  )
  const awaited = pathsOf(unfinished.flatMap(({ ask }) => ask.traversal.later))
  const ready = unfinished.filter(({ location }) => awaited.get(location.chainEntry)?.has(location.path) !== true)
  return Map.groupBy(ready, ({ location }) => location.chainEntry)
}

function pathsOf(locations: readonly Location[]): ReadonlyMap<ChainEntry, ReadonlySet<string>> {
  const paths = new Map<ChainEntry, Set<string>>()
  for (const { chainEntry, path } of locations) paths.set(chainEntry, (paths.get(chainEntry) ?? new Set()).add(path))
  return paths
}

function elapsedSince(startedAt: number): number {
  return Math.max(0, Date.now() - startedAt)
}

function fallbackOf({ later, goesOnInOutage }: FallbackTraversal<Location>): StoreRead['fallback'] {
  if (later.length === 0 || !goesOnInOutage) return undefined
  return later.some(({ chainEntry, path }) => chainEntry.store.holds(path)) ? 'held' : 'possible'
}

/** A provider that stages nothing has no pending version either. */
function endOfPending(traversal: FallbackTraversal<Location>): SecretsError {
  const end = traversal.end()
  if (end.code !== 'NOT_FOUND' && end.code !== 'UNSUPPORTED') return end
  return new SecretNotFoundError(traversal.name, { attempts: end.attempts, remedy: 'no provider has a staged version of it' })
}

function asFailure(error: unknown): SecretsError {
  if (SecretsError.isInstance(error)) return error
  throw error
}
