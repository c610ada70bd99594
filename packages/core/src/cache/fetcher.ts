import type { TracingChannel } from 'node:diagnostics_channel'
import type { CircuitBreaker } from '../guard/circuit-breaker.ts'
import type { Lifetimes } from './freshness.ts'
import type { Zeroizer } from '../value/zeroizer.ts'
import type { TraceMessage } from '../observe/trace-channels.ts'
import { aborted } from '../guard/deadline.ts'
import type { CallContext, SecretProvider, StoredSecret } from '../contract/provider.ts'
import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { type Call, type Flight, type Flights, isRefuted } from './single-flight.ts'
import { describeKeyOf, type Found, isFresh, isVolatile } from './keys/cache-key.ts'
import type { Refusals } from './refusals.ts'
import { briefly, freshness } from './freshness.ts'
import { SecretBytes } from '../value/secret-bytes.ts'
import type { Entry, MemoryCache } from './entries.ts'
import { isRefusal, isWithdrawal } from '../errors/error-classes.ts'
import type { OwnWrites } from './own-writes.ts'
import type { VerifiedAccess } from './shared/verified-access.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { saidNothing, type SharedAnswer, type SharedCacheClient } from './shared/shared-cache-client.ts'
import { storedSecretOf, wipe } from '../value/check-stored-secret.ts'

/** How one store is asked, and what it is asked through. */
export interface FetchOptions extends Lifetimes {
  readonly maxEntries: number
  /** A call that takes longer is not joined, nor waited for in an outage. */
  readonly patientMs: number
  readonly circuit: Pick<CircuitBreaker, 'outage' | 'recoveredAt' | 'rest'>
  readonly shared: SharedCacheClient | undefined
  /** Each process proves its own right before it takes anything from the shared cache. */
  readonly requireOwnAccess?: boolean | undefined
  readonly zeroizer: Zeroizer
  readonly refreshes: TracingChannel<TraceMessage>
  readonly closing: AbortSignal
}

/** By which right a call that describes a secret is made. */
export type Right = 'read' | 'describe'

/** What a store's cache remembers, and where it asks. */
export interface FetcherParts {
  readonly provider: SecretProvider
  readonly options: FetchOptions
  readonly memory: MemoryCache
  readonly flights: Flights
  readonly refusals: Refusals
  readonly writes: OwnWrites
  /** Absent without a shared cache. */
  readonly access: VerifiedAccess | undefined
}

/** Makes the call of one flight, to the shared cache and to the store, and keeps what its answer tells. */
export class Fetcher {
  readonly #parts: FetcherParts

  constructor(parts: FetcherParts) {
    this.#parts = parts
  }

  /** Settles as readers see it: what the shared cache has, or the store says. */
  async fly(flight: Flight): Promise<Found | undefined> {
    const { path, version, batch } = flight.read
    const level = this.#levelFor(flight)
    let said = saidNothing
    let isAsking = false
    try {
      if (level !== undefined) said = await level.read(path, version)
      const spared = this.#newer(flight, said) ?? this.#confirmed(flight, said)
      if (spared !== undefined) return spared
      if (flight.cancel?.signal.aborted) throw aborted()
      isAsking = true
    } finally {
      // Else the others of its batch would wait for ever, and the fleet for its fill lease.
      if (!isAsking) batch?.leave()
      if (!isAsking) level?.giveUp(path, version, said)
    }
    return this.#askStore(flight, level, said)
  }

  async #askStore(flight: Flight, level: SharedCacheClient | undefined, said: SharedAnswer): Promise<Found | undefined> {
    const { path, version } = flight.read
    try {
      const stored = await this.#ask(flight)
      const isBehind = this.#parts.writes.isBehind(path, version, stored)
      if (flight.isSuperseded || isBehind || isContradicted(flight, stored)) level?.giveUp(path, version, said)
      else level?.bring(path, version, said, stored, flight.askedAt)
      return isBehind ? this.#answeredBehind(flight, stored) : this.#answered(flight, stored)
    } catch (error) {
      level?.giveUp(path, version, said)
      if (this.#isNewsToFleet(flight, said, error)) this.#announce(path, said)
      throw this.#failed(flight, error)
    }
  }

  /** The secret is withdrawn, and others may still hold it: those who held nothing themselves need not say so again. */
  #isNewsToFleet({ key, read: { path }, isSuperseded }: Flight, { holds }: SharedAnswer, error: unknown): boolean {
    const isWithdrawn = SecretsError.isInstance(error) && error.code === 'DELETED' && key === path && !isSuperseded
    return isWithdrawn && (holds !== undefined || this.#parts.memory.entry(key) !== undefined)
  }

  /** Whether or not this read asked the shared cache: a volatile one does not, and memory may hold the value all the same. */
  #announce(path: string, said: SharedAnswer): void {
    this.#parts.options.shared?.withdrawn(path, said, this.#parts.memory.entry(path)?.held.facts.version)
  }

  /** A volatile read leaves nothing there, and what the store refused to us is not taken from others. */
  #levelFor({ key, read }: Flight): SharedCacheClient | undefined {
    const { access, options } = this.#parts
    return isVolatile(read.mode) || !access?.mayShare(key, read.path) ? undefined : options.shared
  }

  /** What the shared cache has, if that is newer than what is held: a refresh that took the same again would never refresh. */
  #newer(flight: Flight, { hit }: SharedAnswer): Found | undefined {
    // The store may have refused it to us while we waited.
    if (this.#levelFor(flight) === undefined) return undefined
    const { path, version, mode } = flight.read
    const heldSince = this.#held(flight)?.held.facts.askedAt ?? -Infinity
    if (hit === undefined || isFresh(mode) || hit.askedAt <= heldSince) return undefined
    if (this.#parts.writes.isBehind(path, version, hit.secret)) return undefined
    if (!flight.isSuperseded) this.#parts.refusals.answered([flight.key], flight.id)
    return { held: this.#keep(flight, hit.secret, { sharedAt: hit.askedAt }), from: 'shared', stale: false }
  }

  /** What is held, if the shared cache has the same, or cannot be asked, and it is not yet time to ask the store itself. */
  #confirmed({ key, read, isSuperseded }: Flight, { isUnavailable, holds }: SharedAnswer): Found | undefined {
    const there = storedSecretOf(holds)
    const isSame = isUnavailable || (there !== undefined && this.#parts.memory.entry(key)?.held.equals(there))
    const entry = isSame && !isSuperseded && !isFresh(read.mode) ? this.#parts.memory.confirm(key, Date.now()) : undefined
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
    this.#parts.memory.noteAnswer(key)
    // Without a current version there is none before it, nor any other.
    this.#withdraw(key, flight)
    if (!this.#parts.flights.hasLater(flight)) this.#parts.memory.noteAbsence(key, Date.now())
    return undefined
  }

  /** From before a write of this process: it is news to nobody, and is asked for again soon. What was written, if held, goes before it. */
  #answeredBehind(flight: Flight, stored: StoredSecret | undefined): Found | undefined {
    const { memory, refusals, access } = this.#parts
    const { key, read, isSuperseded, id } = flight
    const written = isSuperseded ? undefined : this.#held(flight)
    if (!isSuperseded) {
      access?.answered(key, read.path)
      memory.noteAnswer(key)
    }
    const isRetained = written !== undefined && !isVolatile(read.mode) && memory.retain(written, Date.now())
    if (isRetained && !isFresh(read.mode)) {
      wipe(stored)
      return { held: written.held, from: 'memory', stale: false }
    }
    if (stored === undefined) {
      if (!isSuperseded) memory.noteAbsence(key, Date.now(), true)
      return undefined
    }
    // It takes the location of what could have stood in.
    if (written !== undefined && !isRetained) refusals.noteChange(read.path, id)
    const held = isRetained ? this.#unkept(stored, flight.askedAt) : this.#keep(flight, stored, { isBehind: true })
    return { held, from: 'store', stale: false }
  }

  /** What is held of it, unless that is older than a write of this process. */
  #held({ key, read: { path, version } }: Flight): Entry | undefined {
    const entry = this.#parts.memory.entry(key)
    return entry && !this.#parts.writes.isBehind(path, version, entry.held.facts) ? entry : undefined
  }

  #copied({ value, shape, ...rest }: StoredSecret, askedAt: number): SecretBytes {
    const { options, provider } = this.#parts
    return new SecretBytes({ value, shape }, { ...rest, provider: provider.name, askedAt }, options.zeroizer)
  }

  #unkept(stored: StoredSecret, askedAt: number): SecretBytes {
    const held = this.#copied(stored, askedAt)
    held.release()
    return held
  }

  #keep(flight: Flight, stored: StoredSecret, { sharedAt, isBehind }: { sharedAt?: number; isBehind?: true } = {}): SecretBytes {
    const { memory, flights, options } = this.#parts
    const { id, key, read, isSuperseded } = flight
    const [isShared, askedAt] = [sharedAt !== undefined, sharedAt ?? flight.askedAt]
    const held = this.#copied(stored, askedAt)
    if (!isSuperseded) memory.noteAnswer(key)
    if (!isSuperseded && !isBehind && !isShared) {
      flights.supersede(key, flight)
      // Also what is kept nowhere, and any version, shows that there is such a secret.
      memory.dropAbsence(read.path)
    }
    if (isVolatile(read.mode)) memory.drop(key)
    const isOvertaken = this.#held(flight) !== undefined && memory.isOvertaken(flight, sharedAt)
    if (isSuperseded || isVolatile(read.mode) || isOvertaken) held.release()
    else {
      const lifetime = freshness(stored, askedAt, options)
      memory.keep(
        { held, key, path: read.path, flight: { id, isShared }, leaving: [] },
        isBehind ? briefly(lifetime, Date.now()) : lifetime,
      )
    }
    return held
  }

  /**
   * Of one version, or of the current one and so of all, nothing is served again that was asked for before this call, nor what such flights are
   * still to bring. What is denied to us is not taken from others either, whenever they asked.
   */
  #withdraw(key: string, call: Call, code?: SecretsErrorCode): void {
    this.#parts.flights.supersede(key, call)
    this.#parts.memory.dropOlder(key, call, isDenial(code))
    if (code === 'DELETED') this.#parts.writes.withdrawn(key)
  }

  /** Settles as `ask` does: a call beside reads, whose refusals are remembered as theirs are. */
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

  /** The right to describe may be one of its own; all else is about the secret. */
  #refused(call: Call, error: SecretsError, right: Right): void {
    const { memory, refusals, access } = this.#parts
    const { path } = call.read
    const isOfDescription = error.code === 'PERMISSION_DENIED' && right === 'describe'
    refusals.note(isOfDescription ? describeKeyOf(path) : path, error, call.id)
    if (!call.isSuperseded) memory.dropAbsence(path)
    if (isOfDescription || !isWithdrawal(error.code)) return
    access?.refused(path)
    if (call.isSuperseded) return
    if (error.code === 'DELETED' && memory.entry(path) !== undefined) this.#announce(path, saidNothing)
    this.#withdraw(path, call, error.code)
  }

  /** Returns the failure as readers get it. */
  #failed(flight: Flight, error: unknown): unknown {
    const { id, key, read, isSuperseded, askedAt } = flight
    if (!SecretsError.isInstance(error) || error.code === 'ABORTED' || isRefuted(flight, error.code)) return error
    // What is wrong with one version tells nothing of the others; a credential that is refused does.
    const refused = error.code === 'UNAUTHENTICATED' ? read.path : key
    // Where a value goes, its refusal stays: else a later provider would answer in an outage.
    if (isDenial(error.code) || !this.#parts.memory.isOvertaken(flight)) this.#parts.refusals.note(refused, error, id)
    if (isRefusal(error.code) && !isSuperseded) this.#parts.memory.dropAbsence(refused)
    if (isWithdrawal(error.code)) {
      if (!isSuperseded) this.#withdraw(refused, flight, error.code)
      // Whatever was written meanwhile, others' answers are not for us.
      this.#parts.access?.refused(refused)
    }
    const isKept = !isSuperseded && !(isRefusal(error.code) && this.#parts.flights.hasLater(flight))
    return isKept ? this.#parts.memory.noteFailure(key, error, askedAt, Date.now()) : error
  }
}

/** The secret was missing, and a later call has described it. */
function isContradicted({ supersededBy }: Call, stored: StoredSecret | undefined): boolean {
  return stored === undefined && supersededBy === 'description'
}

/** The store refuses us, and not everybody. */
function isDenial(code: SecretsErrorCode | undefined): boolean {
  return code === 'PERMISSION_DENIED' || code === 'UNAUTHENTICATED'
}
