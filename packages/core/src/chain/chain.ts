import { Batch } from '../cache/batch.ts'
import { type Found, isFresh, isVolatile, type ReadMode, type VersionSelector } from '../cache/keys/cache-key.ts'
import type { Link, Place } from './routing.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import type { Tracing } from '../observe/trace-channels.ts'
import type { Walk } from './fallback-traversal.ts'

/** What a chain answers: one store's answer, and whether earlier stores could be asked. */
export interface Reading extends Found {
  readonly place: Place
  readonly degraded: boolean
}

export interface ChainRead {
  readonly version?: VersionSelector
  readonly mode: ReadMode
  readonly signal?: AbortSignal | undefined
}

/** Takes from a reading what is needed, at once: see `Found.held`. */
export type Deliver<T> = (reading: Reading) => T

/** One of several secrets: its way along the chain, and what to take from its reading. */
export interface ChainAsk<T> {
  readonly walk: Walk<Place>
  readonly deliver: Deliver<T>
}

/** The fallback chain over cached stores. */
export class Chain {
  readonly #tracing: Tracing
  readonly #closing: AbortSignal

  constructor(tracing: Tracing, closing: AbortSignal) {
    this.#tracing = tracing
    this.#closing = closing
  }

  /** Walks to the first store that has the secret. Throws what the walk ends with. */
  async read<T>(walk: Walk<Place>, read: ChainRead, deliver: Deliver<T>): Promise<T> {
    for (let place = walk.step; place !== undefined; place = walk.step) {
      const startedAt = Date.now()
      let found: Found | undefined
      try {
        found = await answerAt(place, read, undefined)
      } catch (error) {
        this.#fellBack(walk, place, asFailure(error), startedAt)
        continue
      }
      const reading = this.#reading(walk, place, found, startedAt)
      if (reading !== undefined) return deliver(reading)
    }
    throw walk.end()
  }

  /** Many current secrets, each with its own outcome: in each round a provider is asked once for all that stand at it, and for no path twice. */
  async readMany<T>(asks: readonly ChainAsk<T>[], read: ChainRead): Promise<ReadonlyMap<ChainAsk<T>, PromiseSettledResult<T>>> {
    const results = new Map<ChainAsk<T>, PromiseSettledResult<T>>()
    for (let groups = standing(asks, results); groups.size > 0; groups = standing(asks, results)) {
      await Promise.all([...groups].map(([link, group]) => this.#stepMany(link, group, read, results)))
    }
    for (const ask of asks) if (!results.has(ask)) results.set(ask, { status: 'rejected', reason: ask.walk.end() })
    return results
  }

  async #stepMany<T>(link: Link, group: readonly Standing<T>[], read: ChainRead, results: Results<T>): Promise<void> {
    const batch = new Batch(link.provider, { signal: this.#closing, ...(isFresh(read.mode) && { fresh: true }) }, read.signal !== undefined)
    // Names on one path get one answer, or they could tear.
    const answers = new Map<string, Promise<Found | undefined>>()
    const steps = group.map(async ({ ask, place }) => {
      const answer = answers.get(place.path) ?? answerAt(place, read, batch)
      answers.set(place.path, answer)
      await this.#stepOf(ask, place, answer, results)
    })
    batch.seal()
    await Promise.all(steps)
  }

  async #stepOf<T>(ask: ChainAsk<T>, place: Place, answer: Promise<Found | undefined>, results: Results<T>): Promise<void> {
    const startedAt = Date.now()
    const [answered] = await Promise.allSettled([answer])
    try {
      if (answered.status === 'rejected') return this.#fellBack(ask.walk, place, asFailure(answered.reason), startedAt)
      const reading = this.#reading(ask.walk, place, answered.value, startedAt)
      if (reading !== undefined) results.set(ask, { status: 'fulfilled', value: ask.deliver(reading) })
    } catch (reason) {
      results.set(ask, { status: 'rejected', reason })
    }
  }

  /** What the store at this place answered; `undefined` where it has no such secret, and the walk goes on. */
  #reading(walk: Walk<Place>, place: Place, found: Found | undefined, startedAt: number): Reading | undefined {
    const { link } = place
    if (found === undefined) {
      walk.missing(link.provider.name, elapsedSince(startedAt))
      return undefined
    }
    if (found.stale) this.#told(walk.name, link, found.outage ?? 'UNAVAILABLE', 'stale')
    return { ...found, place, degraded: walk.degraded }
  }

  /** Throws where the policy says stop. */
  #fellBack(walk: Walk<Place>, { link }: Place, error: SecretsError, startedAt: number): void {
    walk.failed(link.provider.name, error, elapsedSince(startedAt))
    if (error.code !== 'UNSUPPORTED') this.#told(walk.name, link, error.code, 'next')
  }

  #told(name: string, link: Link, code: SecretsError['code'], answer: 'stale' | 'next'): void {
    link.outage.failed(code)
    if (this.#tracing.fallback.hasSubscribers) this.#tracing.fallback.publish({ name, provider: link.provider.name, code, answer })
  }
}

type Results<T> = Map<ChainAsk<T>, PromiseSettledResult<T>>

interface Standing<T> {
  readonly ask: ChainAsk<T>
  readonly place: Place
}

/**
 * Those without a result, by the provider that their walk stands at. One whose path others may still come to waits for them, since answers of
 * two rounds could tear. Walks follow the chain's order, so somebody can always go on.
 */
function standing<T>(asks: readonly ChainAsk<T>[], results: Results<T>): Map<Link, Standing<T>[]> {
  const unfinished = asks.flatMap((ask) => (ask.walk.step === undefined || results.has(ask) ? [] : [{ ask, place: ask.walk.step }]))
  const awaited = pathsOf(unfinished.flatMap(({ ask }) => ask.walk.later))
  const ready = unfinished.filter(({ place }) => awaited.get(place.link)?.has(place.path) !== true)
  return Map.groupBy(ready, ({ place }) => place.link)
}

function pathsOf(places: readonly Place[]): ReadonlyMap<Link, ReadonlySet<string>> {
  const paths = new Map<Link, Set<string>>()
  for (const { link, path } of places) paths.set(link, (paths.get(link) ?? new Set()).add(path))
  return paths
}

function elapsedSince(startedAt: number): number {
  return Math.max(0, Date.now() - startedAt)
}

/** A versioned read is answered by the first provider that has the secret: its version 3 is no other provider's. */
function answerAt(place: Place, read: ChainRead, batch: Batch | undefined): Promise<Found | undefined> {
  const { mode, signal, version } = read
  return version === undefined ? place.link.store.read({ path: place.path, version, mode, signal, batch }) : versionAt(place, read)
}

async function versionAt(place: Place, read: ChainRead): Promise<Found | undefined> {
  const { link, path } = place
  const found = await versioned(place, read)
  if (found !== undefined && !SecretsError.isInstance(found)) return found
  const current = await link.store.read({
    path,
    version: undefined,
    mode: isVolatile(read.mode) ? 'volatile' : 'cached',
    signal: read.signal,
    batch: undefined,
  })
  if (current === undefined) return undefined
  if (found !== undefined) throw found
  const unnumbered =
    read.version === 'previous' || current.held.facts.version !== undefined ? '' : '; versions that something else wrote have no numbers'
  throw new SecretsError('NOT_FOUND', `version ${read.version} not found`, {
    remedy: `it has the secret, so no other provider is asked${unnumbered}`,
  })
}

/** `UNSUPPORTED` is returned: only of a secret that the provider has is it the answer. */
async function versioned({ link, path }: Place, { version, mode, signal }: ChainRead): Promise<Found | SecretsError | undefined> {
  try {
    return await link.store.read({ path, version, mode, signal, batch: undefined })
  } catch (error) {
    if (SecretsError.isInstance(error) && error.code === 'UNSUPPORTED') return error
    throw error
  }
}

function asFailure(error: unknown): SecretsError {
  if (SecretsError.isInstance(error)) return error
  throw error
}
