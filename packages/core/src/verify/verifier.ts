import { hasCode } from '../kit/error-code.ts'
import { pause, untilAborted } from '../guard/deadline.ts'
import { promptMs } from '../cache/patience.ts'
import type { ProviderCache } from '../cache/provider-cache.ts'
import type { FallbackTraversal, Reading } from '../chain/chain.ts'
import type { SecretBytes } from '../value/secret-bytes.ts'
import type { VersionSelector } from '../cache/keys/lru.ts'
import type { Metadata, Observer } from '../observe/operation.ts'
import { copyOutsideHeap } from '../value/off-heap-bytes.ts'
import type { Location, Route } from '../chain/routing.ts'
import { isOutage } from '../errors/error-classes.ts'
import { fieldsOf, partOf } from '../read/deliver.ts'
import type { Reader } from '../read/reader.ts'
import { type FormerValue, formerValue, traceDigests } from '../cache/former-values.ts'
import { ageOf, type Moment } from '../value/moment.ts'
import { RecheckLimit } from './recheck-limit.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { SkippedNumbers } from './skipped-numbers.ts'
import { longestCompared, Verification } from '../value/digest.ts'
import { type IsFormer, tellFleet, tellWithdrawals } from './fleet-formers.ts'
import { isPresentable, knownVerification, type VerifyOptions, type WithGrace } from './verify-options.ts'

interface Current extends Reading {
  readonly digest: Uint8Array
  /** Undefined without a grace. */
  readonly former: FormerValue | undefined
  readonly isFormer: IsFormer | undefined
}

interface Earlier {
  readonly digest: Uint8Array
  readonly metadata: SecretBytes['metadata']
}

interface Previous {
  readonly digest?: Uint8Array | undefined
  /** The former value as this process saw it. */
  readonly seen?: Uint8Array | undefined
  readonly error?: SecretsError | undefined
}

/** Own members: a polluted `Object.prototype` changes nothing. */
const nothing: Previous = { digest: undefined, seen: undefined, error: undefined }

interface Comparison {
  readonly matched: 'current' | 'previous' | 'none'
  readonly error?: SecretsError | undefined
  readonly current?: Current | undefined
}

function matchAt(index: number): Comparison['matched'] {
  return index === 0 ? 'current' : index === 1 ? 'previous' : 'none'
}

/** A store call this recent is not repeated. */
const joinedMs = 100

type Compare = (changes: VerifyOptions, metadata: Metadata) => Promise<Comparison>

interface Recheck {
  readonly first: Comparison
  readonly store: ProviderCache
  readonly path: string
  readonly signal: AbortSignal | undefined
  readonly metadata: Metadata
}

interface Anew {
  readonly comparison: Comparison
  /** Of the operation, if it waited for the comparison. */
  readonly metadata: Metadata
}

const isAnswer: ReadonlySet<string> = new Set(['NOT_FOUND', 'DELETED', 'UNSUPPORTED'])

/** There is no previous version, or no such field in it. */
const noPrevious: ReadonlySet<string> = new Set(['INVALID_ARGUMENT', 'DELETED'])

type Times = Pick<SecretBytes['metadata'], 'askedAt' | 'givenAt'>

/** By both clocks: to one that was set back, an earlier answer looks later. */
function isAsLate(one: Times, other: Times): boolean {
  const isByMonotonic = !one.givenAt || !other.givenAt || one.givenAt.monotonic >= other.givenAt.monotonic
  return one.askedAt >= other.askedAt && isByMonotonic
}

export class Verifier {
  readonly #reader: Reader
  readonly #observer: Observer
  readonly #verification = new Verification()
  readonly #rechecks: RecheckLimit
  readonly #skipped = new SkippedNumbers()

  constructor(reader: Reader, observer: Observer, maxEntries: number) {
    this.#reader = reader
    this.#observer = observer
    this.#rechecks = new RecheckLimit(maxEntries)
  }

  verifySecret(name: string, presented: string | Uint8Array, options?: VerifyOptions): Promise<boolean> {
    const known = options === undefined ? this.#fromMemory(name, presented) : undefined
    return known === undefined ? this.#verify(name, presented, options) : Promise.resolve(known)
  }

  /** `undefined`: memory does not decide. */
  #fromMemory(name: string, presented: string | Uint8Array): boolean | undefined {
    if (!isPresentable(presented)) return undefined
    try {
      const found = this.#reader.inMemory(name)
      if (found === undefined) return undefined
      const { store, entry } = found
      const digest = found.part.digest(this.#verification.digest)
      const isMatch = this.#verification.match(presented, [digest, undefined]) === 0
      const isFinal = isMatch || entry.held.metadata.exclusive || !this.#rechecks.isOpen(store, entry.path)
      return isFinal ? isMatch : undefined
    } catch {
      return undefined
    }
  }

  async #verify(name: string, presented: string | Uint8Array, verify: VerifyOptions = {}): Promise<boolean> {
    const route = this.#reader.locate(name)
    const options = knownVerification(presented, verify)
    const startedAt = Date.now()
    // The caller may wipe its bytes right after the call.
    const candidate = typeof presented === 'string' ? presented : copyOutsideHeap(presented.subarray(0, longestCompared + 1))
    try {
      return await this.#observer.observe({ operation: 'verify', name, effect: false }, options, async (metadata) => {
        const compare: Compare = (changes, recorded) => this.#compare(route, candidate, { ...options, ...changes }, recorded)
        const { matched, error } = await this.#decide(compare, startedAt, options.signal, metadata)
        metadata.matched = matched
        // The version that could not be read might have matched.
        if (matched === 'none' && error !== undefined) throw error
        return matched !== 'none'
      })
    } finally {
      if (typeof candidate !== 'string') candidate.fill(0)
    }
  }

  async #compare(route: Route, candidate: string | Uint8Array, options: WithGrace, metadata: Metadata): Promise<Comparison> {
    const traversal = this.#reader.traversal(route, options.fallback)
    const current = await this.#current(traversal, options, metadata)
    const { digest, seen, error } = await this.#previous(current, options)
    const matched = matchAt(this.#verification.match(candidate, [current?.digest, digest]))
    tellWithdrawals(route.locations, traversal.empty, options)
    if (matched !== 'none') return { matched, current, error }
    const isFormer = (seen && traceDigests.match(candidate, [seen]) === 0) || (await current?.isFormer?.(candidate)) === true
    return { matched: isFormer ? 'previous' : 'none', current, error }
  }

  /** After a mismatch asks the store, since the secret may have been rotated elsewhere. */
  async #decide(compare: Compare, startedAt: number, signal: AbortSignal | undefined, metadata: Metadata): Promise<Comparison> {
    const first = await compare({}, metadata)
    const { matched, current } = first
    if (matched !== 'none' || current === undefined || current.held.metadata.exclusive) return first
    const { store, path } = { ...current.location, ...current.location.chainEntry }
    // A store answer of this call, or of one that it joined, is recent enough.
    const isBrought = current.from !== 'memory' && current.held.metadata.askedAt >= startedAt - joinedMs
    if (isBrought && current.held.metadata.askedAt >= startedAt) this.#rechecks.record(store, path)
    if (!isBrought && this.#rechecks.isOpen(store, path)) {
      const second = await this.#recheck(compare, { first, store, path, signal, metadata })
      if (second.matched !== 'none') this.#rechecks.reset(store, path)
      return second
    }
    return first
  }

  /** A caller's abort does not end a recheck for others. */
  async #recheck(compare: Compare, { first, store, path, signal, metadata }: Recheck): Promise<Comparison> {
    const longestMs = store.patience.expected('fresh', path, Date.now()) && promptMs
    const running = this.#rechecks.running(store, path)
    if (running !== undefined) {
      const hasEnded = await within(
        running.then(() => true),
        longestMs,
        signal,
      )
      return hasEnded ? compare({ fresh: false }, metadata) : first
    }
    const asking = this.#compareAnew(compare)
    this.#rechecks.record(store, path, asking)
    const anew = await within(asking, longestMs, signal)
    Object.assign(metadata, anew?.metadata)
    return anew?.comparison ?? first
  }

  /** Undefined in an outage: the held value counts more than a later provider's degraded answer. */
  async #compareAnew(compare: Compare): Promise<Anew | undefined> {
    const metadata: Metadata = {}
    try {
      return { comparison: await compare({ fresh: true, acceptDegraded: false, signal: undefined }, metadata), metadata }
    } catch (error) {
      if (SecretsError.isInstance(error) && isOutage(error.code)) return undefined
      throw error
    }
  }

  /** Returns `undefined` if the secret does not exist or was withdrawn. */
  async #current(traversal: FallbackTraversal<Location>, options: WithGrace, metadata: Metadata): Promise<Current | undefined> {
    try {
      const current = { ...options, version: undefined }
      const { location, accepted } = await this.#reader.readObserved(traversal, current, metadata, (reading) => ({
        location: reading.location,
        accepted: reading.degraded && !options.acceptDegraded ? undefined : this.#currentOf(reading, options),
      }))
      if (accepted === undefined) throw degraded(traversal, location.chainEntry.provider.name)
      return accepted
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND', 'DELETED')) throw error
      if (error.attempts?.some(({ code }) => !isAnswer.has(code)) && !options.acceptDegraded) throw degraded(traversal, error.provider)
      return undefined
    }
  }

  #currentOf(reading: Reading, options: WithGrace): Current {
    const { held, location } = reading
    const part = partOf(reading, options.field)
    const { traces } = location.chainEntry.store
    const former = options.graceMs > 0 ? formerValue(traces, location.path, held, fieldsOf(location, options.field)) : undefined
    const digest = part.digest(this.#verification.digest)
    return { ...reading, digest, former, isFormer: tellFleet(location, part, options) }
  }

  async #previous(current: Current | undefined, options: WithGrace): Promise<Previous> {
    if (current?.former === undefined) return nothing
    const { since, until, digest } = current.former
    // The store's time says nothing of the value that was seen: others may lie between.
    const isSeen = isWithin(options.graceMs, until)
    const seen = { ...nothing, seen: isSeen ? digest : undefined }
    if (current.location.chainEntry.provider.getVersion === undefined) return seen
    const isLatest = current.held.metadata.currentSince === undefined && isSeen
    if (!isLatest && !isWithin(options.graceMs, since)) return nothing
    try {
      return { ...nothing, digest: await this.#digestBefore(current, options) }
    } catch (error) {
      if (hasCode(error, 'UNSUPPORTED')) return seen
      return SecretsError.isInstance(error) && !noPrevious.has(error.code) ? { ...nothing, error } : nothing
    }
  }

  /** By number, since a lagging replica's `previous` may be one version too old. */
  async #digestBefore(current: Current, options: WithGrace): Promise<Uint8Array | undefined> {
    const { version } = current.held.metadata
    if (version === undefined) return this.#digestOfUnnumbered(current, options)
    if (version === 1) return undefined
    const direct = await this.#readVersion(current, version - 1, options)
    if (direct !== undefined) return direct.digest
    const below = await untilAborted(this.#skipped.below(current), options.signal)
    return below === undefined ? undefined : (await this.#readVersion(current, below, options))?.digest
  }

  async #digestOfUnnumbered(current: Current, options: WithGrace): Promise<Uint8Array | undefined> {
    const { revision, currentSince } = current.held.metadata
    const previous = await this.#readVersion(current, 'previous', options)
    if (previous === undefined) return undefined
    const { revision: itsOwn, currentSince: since = -Infinity } = previous.metadata
    return since <= (currentSince ?? Infinity) && (revision === undefined || itsOwn !== revision) ? previous.digest : undefined
  }

  /** A version read before the current one may have been replaced since. */
  async #readVersion(current: Current, version: VersionSelector, options: WithGrace): Promise<Earlier | undefined> {
    const known = await this.#read(current, version, options, false)
    const isSure = known === undefined ? version !== 'previous' : isAsLate(known.metadata, current.held.metadata)
    return isSure ? known : this.#read(current, version, options, true)
  }

  async #read(
    { location }: Current,
    version: VersionSelector,
    { signal, field }: VerifyOptions,
    fresh: boolean,
  ): Promise<Earlier | undefined> {
    const mode = this.#reader.modeOf({ fresh })
    const found = await location.chainEntry.store.read({ path: location.path, version, mode, signal, batch: undefined })
    return (
      found && {
        digest: partOf({ ...found, location, degraded: false }, field).digest(this.#verification.digest),
        metadata: found.held.metadata,
      }
    )
  }
}

/** Undefined if it takes longer. It goes on for later calls. */
async function within<T>(answer: Promise<T>, ms: number | undefined, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (ms === undefined) return untilAborted(answer, signal)
  const ended = new AbortController()
  const late = pause(ms, ended.signal).then(() => undefined)
  return untilAborted(Promise.race([answer, late]), signal).finally(() => ended.abort())
}

/** The first sight of the successor is no bound: it is too late by any time without a read. */
function isWithin(graceMs: number, bound: Moment | undefined): boolean {
  return bound !== undefined && ageOf(bound) <= graceMs
}

function degraded(traversal: FallbackTraversal<Location>, provider = 'a later one'): SecretsError {
  return traversal.notSure(provider, 'try again, or pass acceptDegraded')
}
