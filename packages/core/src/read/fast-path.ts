import type { ProviderCache } from '../cache/provider-cache.ts'
import type { Found } from '../cache/keys/cache-key.ts'
import type { Absence } from '../cache/freshness.ts'
import type { SecretBytes } from '../value/secret-bytes.ts'
import type { Entry } from '../cache/entries.ts'
import type { Location, Route } from '../chain/routing.ts'
import type { SecretValue } from '../value/secret-value.ts'

/** Names beyond this are looked up anew each time. */
const mostRemembered = 10_000

/** An earlier location of a route, whose store has no such secret. */
interface EarlierAbsence {
  readonly location: Location
  readonly absence: Absence
}

/** A name's current secret in memory, and what reads take from it. */
export class FastEntry {
  readonly entry: Entry
  readonly store: ProviderCache
  readonly #fields: readonly string[]
  #earlier: readonly EarlierAbsence[]
  #part: SecretBytes | undefined
  #text: WeakRef<Promise<string>> | undefined
  #value: Promise<SecretValue> | undefined

  constructor(entry: Entry, { chainEntry, fields }: Location, earlier: readonly EarlierAbsence[]) {
    this.entry = entry
    this.store = chainEntry.store
    this.#fields = fields
    this.#earlier = earlier
  }

  /** The same entry, behind absences that were looked up again. */
  renew(earlier: readonly EarlierAbsence[]): this {
    this.#earlier = earlier
    return this
  }

  /** Whether this is as good as when it was found, which then counts as a hit of every store on the way. */
  isStillFresh(now: number): boolean {
    for (const { location, absence } of this.#earlier) if (!location.chainEntry.store.isStillAbsent(absence, now)) return false
    if (!this.store.isStillFresh(this.entry, now)) return false
    for (const { location } of this.#earlier) location.chainEntry.store.recordAbsenceHit(location.path)
    return true
  }

  /** What the name stands for; of a secret with named fields, the sole one. Throws where there is no such part. */
  get part(): SecretBytes {
    return (this.#part ??= this.entry.held.part(this.#fields))
  }

  /**
   * The part's text. All who ask while somebody still has it get the same string. So a busy secret
   * is one string in the heap, not one for each read, and an idle process has none.
   */
  get text(): Promise<string> {
    const known = this.#text?.deref()
    if (known !== undefined) return known
    const text = Promise.resolve(this.part.text())
    this.#text = new WeakRef(text)
    return text
  }

  /** A map whose fields nobody asked for is handed out whole: its `json()` has them all. */
  get value(): Promise<SecretValue> {
    return (this.#value ??= Promise.resolve((this.#fields.length === 0 ? this.entry.held : this.part).value(false, false)))
  }
}

export interface JoinedFlight {
  readonly location: Location
  readonly answer: Promise<Found | undefined>
  readonly earlier: readonly EarlierAbsence[]
}

/**
 * Answers reads from memory without a promise of their own: a fresh value of the first provider, or
 * of one behind others that have no such secret. A name that was found before costs one look-up.
 */
export class FastPath {
  readonly #known = new Map<string, FastEntry>()

  /** What was found before, if it still counts. */
  known(name: string): FastEntry | undefined {
    const known = this.#known.get(name)
    return known?.isStillFresh(Date.now()) ? known : undefined
  }

  /** What the first place of the route that may have the secret holds in memory, or the call to its store that is under way. */
  find({ name, locations }: Route): FastEntry | JoinedFlight | undefined {
    const earlier: EarlierAbsence[] = []
    for (const location of locations) {
      const { store } = location.chainEntry
      const entry = store.peek(location.path)
      if (entry !== undefined) {
        for (const { location: passed } of earlier) passed.chainEntry.store.recordAbsenceHit(passed.path)
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
