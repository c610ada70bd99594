import { hasCode } from '../kit/error-code.ts'
import { copied, unkeptCopy } from './copied-answer.ts'
import type { Entry } from './entries.ts'
import type { FetcherParts, Right } from './fetch-options.ts'
import { briefly, freshness } from './freshness.ts'
import { aborted } from '../guard/deadline.ts'
import type { CallContext, StoredSecret } from '../contract/provider.ts'
import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { type Call, type Flight, type Found, isContradicted, isFresh, isRefuted, isVolatile } from './single-flight.ts'
import { describeKeyOf } from './keys/lru.ts'
import { Peers } from './peers.ts'
import { usualLength } from '../value/digest.ts'
import type { SecretBytes } from '../value/secret-bytes.ts'
import { isDenial, isRefusal, isWithdrawal } from '../errors/error-classes.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { emptyAnswer, type SharedAnswer } from './shared/shared-answer.ts'
import type { SharedCacheClient } from './shared/shared-cache-client.ts'
import { storedSecretOf, wipe } from '../guard/check-answer.ts'

/** `shared`: what the shared cache brought. `isBehind`: older than a write of this process. */
interface Origin {
  readonly shared: SharedAnswer['hit']
  readonly isBehind: boolean
}

const fromStore: Origin = { shared: undefined, isBehind: false }

export class Fetcher {
  readonly #parts: FetcherParts

  readonly #peers: Peers

  constructor(parts: FetcherParts) {
    this.#parts = parts
    this.#peers = new Peers(parts)
  }

  async fly(flight: Flight): Promise<Found | undefined> {
    const { path, version, batch } = flight.read
    const shared = this.#sharedFor(flight)
    let answer = emptyAnswer
    let isAsking = false
    try {
      const rechecked = shared && (await this.#recheck(flight, shared))
      if (rechecked !== undefined) return rechecked
      if (shared !== undefined) answer = await this.#readShared(flight, shared)
      const found = this.#newer(flight, answer) ?? this.#confirmed(flight, answer)
      if (found !== undefined) return found
      if (flight.cancel?.signal.aborted) throw aborted()
      if (this.#peers.mustWait(flight, answer)) throw this.#failed(flight, this.#peers.error())
      isAsking = true
    } finally {
      // Otherwise the batch and the fleet would wait for this flight.
      if (!isAsking) batch?.leave()
      if (!isAsking) shared?.releaseLease(path, version, answer)
    }
    return this.#askStore(flight, shared, answer)
  }

  /** Instead of the store, since other processes write and fill meanwhile. Never rejects. */
  async flyToShared(flight: Flight): Promise<Found | undefined> {
    const shared = this.#sharedFor(flight)
    // Memory answers, whether the cache fails closed or not.
    return shared && this.#probe(flight, shared).catch(() => undefined)
  }

  /** Undefined unless memory has a value that is fresh, and is not older than a change. */
  async #recheck(flight: Flight, shared: SharedCacheClient): Promise<Found | undefined> {
    const { key, read } = flight
    if (isFresh(read.mode) || this.#parts.memory.young(key, Date.now()) === undefined) return undefined
    return this.#probe(flight, shared)
  }

  async #probe(flight: Flight, shared: SharedCacheClient): Promise<Found | undefined> {
    const { path, version } = flight.read
    this.#parts.memory.recordProbe(flight.key, Date.now())
    const answer = await shared.read(path, version, { isRecheck: true })
    shared.releaseLease(path, version, answer)
    return this.#newer(flight, answer) ?? this.#confirmed(flight, answer)
  }

  #readShared(flight: Flight, shared: SharedCacheClient): Promise<SharedAnswer> {
    const { key, read } = flight
    if (!isFresh(read.mode)) this.#parts.memory.recordProbe(key, Date.now())
    return shared.read(read.path, read.version, { canWait: this.#peers.canWait(flight) })
  }

  async #askStore(flight: Flight, shared: SharedCacheClient | undefined, answer: SharedAnswer): Promise<Found | undefined> {
    const { path, version } = flight.read
    flight.sentAt = Date.now()
    try {
      const stored = await this.#ask(flight)
      this.#peers.answered()
      const isBehind = this.#parts.writes.isBehind(path, version, stored)
      if (flight.isSuperseded || isBehind || isContradicted(flight, stored)) shared?.releaseLease(path, version, answer)
      else shared?.publish(path, version, answer, stored, flight.askedAt)
      return isBehind ? this.#answeredBehind(flight, stored) : this.#answered(flight, stored)
    } catch (error) {
      if (this.#peers.failed(flight, error)) shared?.markOutage(path, version, answer)
      else shared?.releaseLease(path, version, answer)
      if (this.#shouldAnnounce(flight, answer, error)) this.#announce(path, answer)
      throw this.#failed(flight, error)
    }
  }

  /** Only a process that held the secret announces its withdrawal. */
  #shouldAnnounce({ key, read: { path }, isSuperseded }: Flight, { holds }: SharedAnswer, error: unknown): boolean {
    const isWithdrawn = hasCode(error, 'DELETED') && key === path && !isSuperseded
    return isWithdrawn && (holds !== undefined || this.#parts.memory.entry(key) !== undefined)
  }

  /** Volatile reads announce too, since memory may hold the value although they do not share it. */
  #announce(path: string, answer: SharedAnswer): void {
    this.#parts.options.shared?.withdrawn(path, answer, this.#parts.memory.entry(path)?.held.metadata.version)
  }

  /** Volatile reads share nothing, and what the store refused us is not taken from others. */
  #sharedFor({ key, read }: Flight): SharedCacheClient | undefined {
    const { access, options } = this.#parts
    return isVolatile(read.mode) || !access?.mayShare(key, read.path) ? undefined : options.shared
  }

  /** The shared value, if it is newer than the held one: otherwise a refresh would never refresh. */
  #newer(flight: Flight, answer: SharedAnswer): Found | undefined {
    const { hit } = answer
    // The store may have refused us while we waited.
    if (this.#sharedFor(flight) === undefined) return undefined
    const { path, version, mode } = flight.read
    const heldSince = this.#held(flight)?.held.metadata.askedAt ?? -Infinity
    if (hit === undefined || isFresh(mode) || hit.askedAt <= heldSince) return undefined
    if (this.#parts.writes.isBehind(path, version, hit.secret)) return undefined
    if (!flight.isSuperseded) this.#parts.refusals.answered([flight.key], flight.id)
    this.#parts.options.shared?.agreed(path, version, answer)
    return { held: this.#keep(flight, hit.secret, { shared: hit, isBehind: false }), from: 'shared', stale: false }
  }

  /** A fresh value stands unless the shared cache knows of a change: what it has lost costs no call. */
  #confirmed({ key, read, isSuperseded }: Flight, answer: SharedAnswer): Found | undefined {
    const { memory, options } = this.#parts
    const { path, version, mode } = read
    const held = memory.entry(key)?.held
    if (options.shared === undefined || held === undefined || isSuperseded || isFresh(mode)) return undefined
    const there = storedSecretOf(answer.holds)
    if (there !== undefined && held.equals(there)) options.shared.agreed(path, version, answer)
    else if (options.shared.mayOutdate(path, version, answer, held.metadata)) {
      memory.endRest(key, answer.changes)
      return undefined
    }
    const entry = memory.confirm(key, Date.now())
    return entry && { held: entry.held, from: 'memory', stale: false }
  }

  #ask({ read: { path, version, mode, batch }, cancel }: Flight): Promise<StoredSecret | undefined> {
    const context: CallContext = { signal: cancel?.signal ?? this.#parts.options.closing, ...(isFresh(mode) && { fresh: true }) }
    if (version === undefined) return batch === undefined ? this.#parts.provider.get(path, context) : batch.get(path, context)
    const answer = this.#parts.provider.getVersion?.(path, version, context)
    return (
      answer ?? Promise.reject(new SecretsError('UNSUPPORTED', 'the provider keeps no versions', { remedy: 'ask for the current one' }))
    )
  }

  #answered(flight: Flight, stored: StoredSecret | undefined): Found | undefined {
    const { key, read } = flight
    if (!flight.isSuperseded) {
      this.#parts.access?.answered(key, read.path)
      this.#parts.options.shared?.saw(read.path, read.version, flight.askedAt)
      this.#parts.refusals.answered(key === read.path ? [key, describeKeyOf(key)] : [key], flight.id)
    }
    if (stored !== undefined) return { held: this.#keep(flight, stored), from: 'store', stale: false }
    if (flight.isSuperseded || isContradicted(flight, stored) || this.#parts.memory.isOvertaken(flight)) return undefined
    this.#parts.memory.endBackOff(key)
    this.#withdraw(key, flight)
    if (!this.#parts.flights.hasLater(flight)) this.#parts.memory.recordAbsence(key, Date.now())
    return undefined
  }

  /** For an answer older than a write of this process: a held written value wins. */
  #answeredBehind(flight: Flight, stored: StoredSecret | undefined): Found | undefined {
    const { memory, refusals, access } = this.#parts
    const { key, read, isSuperseded, id } = flight
    const written = isSuperseded ? undefined : this.#held(flight)
    if (!isSuperseded) {
      access?.answered(key, read.path)
      memory.endBackOff(key)
    }
    const isRetained = written !== undefined && !isVolatile(read.mode) && memory.retain(written, Date.now())
    if (isRetained && !isFresh(read.mode)) {
      wipe(stored)
      return { held: written.held, from: 'memory', stale: false }
    }
    if (stored === undefined) {
      if (!isSuperseded) memory.recordAbsence(key, Date.now(), true)
      return undefined
    }
    // It replaces the value that an outage would have served.
    if (written !== undefined && !isRetained) refusals.recordChange(read.path, id)
    const held = isRetained
      ? unkeptCopy(this.#parts, stored, flight.askedAt)
      : this.#keep(flight, stored, { shared: undefined, isBehind: true })
    return { held, from: 'store', stale: false }
  }

  /** Unless it is older than a write of this process. */
  #held({ key, read: { path, version } }: Flight): Entry | undefined {
    const entry = this.#parts.memory.entry(key)
    return entry && !this.#parts.writes.isBehind(path, version, entry.held.metadata) ? entry : undefined
  }

  #keep(flight: Flight, stored: StoredSecret, { shared, isBehind }: Origin = fromStore): SecretBytes {
    const { memory, flights, options } = this.#parts
    const { id, key, read, isSuperseded } = flight
    const { askedAt, givenAt } = shared ?? flight
    if (!isSuperseded) memory.endBackOff(key)
    if (!isSuperseded && !isBehind && shared === undefined) {
      flights.supersede(key, flight)
      // Also what is kept nowhere, and any version, shows that there is such a secret.
      memory.dropAbsence(read.path)
    }
    if (isVolatile(read.mode)) memory.drop(key)
    const isOvertaken = this.#held(flight) !== undefined && memory.isOvertaken(flight, shared?.askedAt)
    const isOver = isSuperseded || isOvertaken
    // What ends by itself has no grace, and what is long is not hashed.
    const hasGrace = !isOver && !isBehind && !stored.exclusive && !stored.expiresAt && stored.value.length <= usualLength
    const held = copied(this.#parts, stored, askedAt, hasGrace ? givenAt : undefined)
    if (isOver || isVolatile(read.mode)) held.release()
    else {
      const lifetime = freshness(stored, askedAt, options)
      memory.keep(
        { held, key, path: read.path, flight: { id, isShared: shared !== undefined }, leaving: [] },
        isBehind ? briefly(lifetime, Date.now()) : lifetime,
      )
    }
    return held
  }

  /**
   * Drops older answers and supersedes older flights. A denied value is not taken from the shared
   * cache either, however new it is there.
   */
  #withdraw(key: string, call: Call, code?: SecretsErrorCode): void {
    this.#parts.flights.supersede(key, call)
    this.#parts.memory.dropOlder(key, call, isDenial(code))
    if (code === 'DELETED' || code === undefined) this.#parts.memory.traces.delete(key)
  }

  /** Remembers refusals like those of reads. */
  askBeside<T>(path: string, ask: () => Promise<T>, right: Right): Promise<T> {
    const { flights, refusals } = this.#parts
    return flights.beside(path, async (call) => {
      try {
        const answer = await ask()
        refusals.answered([describeKeyOf(path)], call.id)
        if (answer !== undefined) this.#described(path, call)
        return answer
      } catch (error) {
        if (SecretsError.isInstance(error) && isRefusal(error.code) && !isRefuted(call, error.code)) this.#refused(call, error, right)
        throw error
      }
    })
  }

  /** The secret is there, unless a later call was answered otherwise. */
  #described(path: string, call: Call): void {
    this.#parts.flights.supersede(path, call, 'description')
    if (!call.isSuperseded) this.#parts.memory.dropAbsence(path)
  }

  /** Only PERMISSION_DENIED may concern the right to describe; other codes concern the secret. */
  #refused(call: Call, error: SecretsError, right: Right): void {
    const { memory, refusals, access } = this.#parts
    const { path } = call.read
    const isOfDescription = error.code === 'PERMISSION_DENIED' && right === 'describe'
    refusals.record(isOfDescription ? describeKeyOf(path) : path, error, call.id)
    if (!call.isSuperseded) memory.dropAbsence(path)
    if (isOfDescription || !isWithdrawal(error.code)) return
    access?.refused(path)
    if (call.isSuperseded) return
    if (error.code === 'DELETED' && memory.entry(path) !== undefined) this.#announce(path, emptyAnswer)
    this.#withdraw(path, call, error.code)
  }

  #failed(flight: Flight, error: unknown): unknown {
    const { id, key, read, isSuperseded, askedAt } = flight
    if (!SecretsError.isInstance(error) || error.code === 'ABORTED' || isRefuted(flight, error.code)) return error
    // A refused credential concerns all versions, any other error only the one that was asked for.
    const refused = error.code === 'UNAUTHENTICATED' ? read.path : key
    // If the value is dropped, its refusal stays, so that no later provider answers in an outage.
    if (isDenial(error.code) || !this.#parts.memory.isOvertaken(flight)) this.#parts.refusals.record(refused, error, id)
    if (isRefusal(error.code) && !isSuperseded) this.#parts.memory.dropAbsence(refused)
    if (isWithdrawal(error.code)) {
      if (!isSuperseded) this.#withdraw(refused, flight, error.code)
      // A refusal holds for the shared cache even after a newer write.
      this.#parts.access?.refused(refused)
    }
    const isKept = !isSuperseded && !(isRefusal(error.code) && this.#parts.flights.hasLater(flight))
    return isKept ? this.#parts.memory.recordFailure(key, error, askedAt, Date.now()) : error
  }
}
