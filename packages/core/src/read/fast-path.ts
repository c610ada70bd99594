import type { CachedStore } from '../cache/provider-cache.ts'
import type { Found } from '../cache/keys/cache-key.ts'
import type { HeldSecret } from '../value/secret-bytes.ts'
import type { Entry } from '../cache/entries.ts'
import { isValidName } from '../options/names.ts'
import type { Observer } from '../observe/operation.ts'
import type { Place, Plan } from '../chain/routing.ts'
import type { SecretValue } from '../value/secret-value.ts'

/** Names beyond this are looked up anew each time. */
const mostShortcuts = 10_000

/** A name's current secret in memory, and what reads take from it. */
export class Shortcut {
  readonly entry: Entry
  readonly store: CachedStore
  readonly #fields: readonly string[]
  #part: HeldSecret | undefined
  #text: WeakRef<Promise<string>> | undefined
  #value: Promise<SecretValue> | undefined

  constructor(entry: Entry, { link, fields }: Place) {
    this.entry = entry
    this.store = link.store
    this.#fields = fields
  }

  /** What the name stands for; of a secret with named fields, the sole one. Throws where there is no such part. */
  get part(): HeldSecret {
    return (this.#part ??= this.entry.held.part(this.#fields))
  }

  /**
   * The part's text. Whoever asks while somebody else still has it, or before it is collected, gets the same string: a secret that
   * is read all the time is one string in the heap instead of one for each read, and none when nobody reads it.
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
  /** Earlier places, which have no such secret. */
  readonly passed: Plan
}

/**
 * The common case of a read, without a promise in it: nobody audits or traces, and the answer is in memory and fresh, of the
 * first provider or of one behind others that have no such secret. A name that the first one has is found in one look-up.
 */
export class Shortcuts {
  readonly #planOf: (name: string) => Plan
  readonly #observer: Observer
  readonly #known = new Map<string, Shortcut>()

  constructor(planOf: (name: string) => Plan, observer: Observer) {
    this.#planOf = planOf
    this.#observer = observer
  }

  /** `undefined`: whoever asks must go the long way, which also says what is wrong. */
  to(name: string): Shortcut | undefined {
    if (!this.#observer.isUnwatched) return undefined
    const known = this.#known.get(name)
    if (known?.store.confirm(known.entry)) return known
    return isValidName(name) ? this.#find(name) : undefined
  }

  #find(name: string): Shortcut | undefined {
    const passed: CachedStore[] = []
    for (const place of this.#planFor(name)) {
      const { store } = place.link
      const entry = store.peek(place.path)
      if (entry !== undefined) {
        for (const earlier of passed) earlier.passed()
        return passed.length === 0 ? this.#remember(name, entry, place) : new Shortcut(entry, place)
      }
      if (!store.knowsAbsent(place.path)) return undefined
      passed.push(store)
    }
    return undefined
  }

  /** The call to a store that is under way, and that a read of the name would wait for. */
  flightTo(name: string): JoinedFlight | undefined {
    if (!this.#observer.isUnwatched || !isValidName(name)) return undefined
    const plan = this.#planFor(name)
    const index = plan.findIndex(({ link, path }) => !link.store.knowsAbsent(path))
    const place = plan[index]
    const answer = place?.link.store.flying(place.path)
    return place && answer && { place, answer, passed: plan.slice(0, index) }
  }

  #planFor(name: string): Plan {
    try {
      return this.#planOf(name)
    } catch {
      return []
    }
  }

  #remember(name: string, entry: Entry, place: Place): Shortcut {
    const known = this.#known.get(name)
    if (known?.entry === entry) return known
    const shortcut = new Shortcut(entry, place)
    if (this.#known.size >= mostShortcuts) return shortcut
    this.#known.set(name, shortcut)
    entry.leaving.push(() => this.#known.delete(name))
    return shortcut
  }
}
