import type { ProviderCache } from '../cache/provider-cache.ts'
import type { Found } from '../cache/single-flight.ts'
import type { Entry } from '../cache/entries.ts'
import type { Absence } from '../cache/freshness.ts'
import type { SecretBytes } from '../value/secret-bytes.ts'
import type { Location, Route } from '../chain/routing.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { fieldsOf } from './deliver.ts'

/** Names beyond this number are looked up each time. */
const mostRemembered = 10_000

/** An earlier location, whose store has no such secret. */
interface EarlierAbsence {
  readonly location: Location
  readonly absence: Absence
}

export class FastEntry {
  readonly entry: Entry
  readonly store: ProviderCache
  readonly #fields: readonly string[]
  #earlier: readonly EarlierAbsence[]
  #part: SecretBytes | undefined
  #text: WeakRef<Promise<string>> | undefined
  #value: Promise<SecretValue> | undefined

  constructor(entry: Entry, location: Location, earlier: readonly EarlierAbsence[]) {
    this.entry = entry
    this.store = location.chainEntry.store
    this.#fields = fieldsOf(location, undefined)
    this.#earlier = earlier
  }

  renew(earlier: readonly EarlierAbsence[]): this {
    this.#earlier = earlier
    return this
  }

  /** Counts a hit at every store on the way. */
  isStillFresh(now: number): boolean {
    for (const { location, absence } of this.#earlier) if (!location.chainEntry.store.isStillAbsent(absence, now)) return false
    if (!this.store.isStillFresh(this.entry, now)) return false
    for (const { location } of this.#earlier) location.chainEntry.store.recordAbsenceHit(location.path)
    return true
  }

  /** The located part; with named fields, the only one. Throws if there is no such part. */
  get part(): SecretBytes {
    return (this.#part ??= this.entry.held.part(this.#fields))
  }

  /**
   * One string for all readers while one of them holds it, so an idle process has none in its heap.
   */
  get text(): Promise<string> {
    const known = this.#text?.deref()
    if (known !== undefined) return known
    const text = Promise.resolve(this.part.text())
    this.#text = new WeakRef(text)
    return text
  }

  /** Without a field a map is delivered whole, for its `json()`. */
  get value(): Promise<SecretValue> {
    return (this.#value ??= Promise.resolve((this.#fields.length === 0 ? this.entry.held : this.part).value(false, false)))
  }
}

export interface JoinedFlight {
  readonly location: Location
  readonly answer: Promise<Found | undefined>
  readonly earlier: readonly EarlierAbsence[]
}

/** Answers without a new promise: a fresh value, behind known absences. */
export class FastPath {
  readonly #known = new Map<string, FastEntry>()

  known(name: string): FastEntry | undefined {
    const known = this.#known.get(name)
    return known?.isStillFresh(Date.now()) ? known : undefined
  }

  /**
   * Finds the first location without a known absence: its value in memory, or its running flight.
   */
  find({ name, locations }: Route): FastEntry | JoinedFlight | undefined {
    const earlier: EarlierAbsence[] = []
    for (const location of locations) {
      const { store } = location.chainEntry
      const entry = store.peek(location.path)
      if (entry !== undefined) {
        for (const { location: behind } of earlier) behind.chainEntry.store.recordAbsenceHit(behind.path)
        return this.#remember(name, entry, location, earlier)
      }
      const absence = store.absence(location.path)
      if (absence !== undefined) {
        earlier.push({ location, absence })
        continue
      }
      const answer = store.flying(location.path)
      return answer && { location, answer, earlier }
    }
    return undefined
  }

  #remember(name: string, entry: Entry, location: Location, earlier: readonly EarlierAbsence[]): FastEntry {
    const known = this.#known.get(name)
    if (known?.entry === entry) return known.renew(earlier)
    const found = new FastEntry(entry, location, earlier)
    if (this.#known.size >= mostRemembered) return found
    this.#known.set(name, found)
    entry.leaving.push(() => this.#forget(name, entry))
    return found
  }

  #forget(name: string, entry: Entry): void {
    if (this.#known.get(name)?.entry === entry) this.#known.delete(name)
  }
}
