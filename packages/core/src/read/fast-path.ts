import type { CachedStore } from '../cache/provider-cache.ts'
import type { Found } from '../cache/keys/cache-key.ts'
import type { Absence } from '../cache/freshness.ts'
import type { HeldSecret } from '../value/secret-bytes.ts'
import type { Entry } from '../cache/entries.ts'
import type { Place, Route } from '../chain/routing.ts'
import type { SecretValue } from '../value/secret-value.ts'

/** Names beyond this are looked up anew each time. */
const mostRemembered = 10_000

/** An earlier place of a route, whose store has no such secret. */
interface EarlierAbsence {
  readonly place: Place
  readonly absence: Absence
}

/** A name's current secret in memory, and what reads take from it. */
export class FastEntry {
  readonly entry: Entry
  readonly store: CachedStore
  readonly #fields: readonly string[]
  #earlier: readonly EarlierAbsence[]
  #part: HeldSecret | undefined
  #text: WeakRef<Promise<string>> | undefined
  #value: Promise<SecretValue> | undefined

  constructor(entry: Entry, { link, fields }: Place, earlier: readonly EarlierAbsence[]) {
    this.entry = entry
    this.store = link.store
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
    for (const { place, absence } of this.#earlier) if (!place.link.store.isStillAbsent(absence, now)) return false
    if (!this.store.isStillFresh(this.entry, now)) return false
    for (const { place } of this.#earlier) place.link.store.recordAbsenceHit(place.path)
    return true
  }

  /** What the name stands for; of a secret with named fields, the sole one. Throws where there is no such part. */
  get part(): HeldSecret {
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
  readonly place: Place
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
  find({ name, plan }: Route): FastEntry | JoinedFlight | undefined {
    const earlier: EarlierAbsence[] = []
    for (const place of plan) {
      const { store } = place.link
      const entry = store.peek(place.path)
      if (entry !== undefined) {
        for (const { place: passed } of earlier) passed.link.store.recordAbsenceHit(passed.path)
        return this.#remember(name, entry, place, earlier)
      }
      const absence = store.absence(place.path)
      if (absence !== undefined) {
        earlier.push({ place, absence })
        continue
      }
      const answer = store.flying(place.path)
      return answer && { place, answer, earlier }
    }
    return undefined
  }

  #remember(name: string, entry: Entry, place: Place, earlier: readonly EarlierAbsence[]): FastEntry {
    const known = this.#known.get(name)
    if (known?.entry === entry) return known.renew(earlier)
    const found = new FastEntry(entry, place, earlier)
    if (this.#known.size >= mostRemembered) return found
    this.#known.set(name, found)
    entry.leaving.push(() => this.#forget(name, entry))
    return found
  }

  #forget(name: string, entry: Entry): void {
    if (this.#known.get(name)?.entry === entry) this.#known.delete(name)
  }
}
