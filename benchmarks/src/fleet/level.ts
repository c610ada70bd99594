import { SecretsError, type FillTicket, type SharedCache, type SharedEntry, type SharedKey, type SharedRead } from '@finchat/secrets-core'
import { Calls } from './counting-store.ts'
import type { VirtualTime } from './virtual-time.ts'

interface Place {
  entry?: SharedEntry | undefined
  /** Somebody asks the store for all; the others wait for that. */
  turn?: number | undefined
  readonly waiting: Set<() => void>
}

/** The longest that a process waits for what another one asks for; then it asks itself. */
const patienceMs = 200
/** How long a turn lasts if its holder dies. */
const turnMs = 2000

/** A shared level as the contract has it, in this process: one flight for the fleet, and answers until they expire. */
export class Level {
  /** Reads by all processes: what the cache server has to bear. */
  readonly reads: Calls = new Calls()
  isDown = false
  readonly #time: VirtualTime
  readonly #places = new Map<string, Place>()
  #turns = 0

  constructor(time: VirtualTime) {
    this.#time = time
  }

  /** As one process sees it, and the paths for which it may ask for all. */
  client(): { readonly cache: SharedCache; readonly hasTurn: (path: string) => boolean } {
    const turns = new Set<string>()
    const cache: SharedCache = {
      specificationVersion: 'v1',
      read: async (key) => {
        this.reads.add('forOne', this.#time.now())
        if (this.isDown) throw new SecretsError('UNAVAILABLE', 'the level is down')
        const answer = await this.#read(key)
        if ('ticket' in answer && answer.ticket['turn'] !== undefined) turns.add(key.path)
        return answer
      },
      fill: async (key, ticket, entry) => {
        turns.delete(key.path)
        if (!this.isDown) this.#fill(key, ticket, entry)
      },
      invalidate: async () => {},
    }
    return { cache, hasTurn: (path) => turns.has(path) }
  }

  async #read(key: SharedKey): Promise<SharedRead> {
    const place = this.#placeOf(key)
    const giveUpAt = this.#time.now() + patienceMs
    for (;;) {
      const { entry, turn } = place
      if (entry && entry.until > Date.now()) return { hit: entry.secret, until: entry.until, askedAt: entry.askedAt }
      if (turn === undefined || turn < this.#time.now()) return { ticket: { turn: this.#takeTurn(place) } }
      if (this.#time.now() >= giveUpAt) return { ticket: {} }
      await this.#changeOf(place, giveUpAt)
    }
  }

  #fill(key: SharedKey, { turn }: FillTicket, entry: SharedEntry | undefined): void {
    if (turn === undefined) return
    const place = this.#placeOf(key)
    place.turn = undefined
    if (entry) place.entry = entry
    for (const wake of place.waiting) wake()
    place.waiting.clear()
  }

  #takeTurn(place: Place): number {
    place.turn = this.#time.now() + turnMs
    return (this.#turns += 1)
  }

  #changeOf({ waiting }: Place, giveUpAt: number): Promise<void> {
    return new Promise((resolve) => {
      waiting.add(resolve)
      this.#time.after(giveUpAt - this.#time.now(), resolve)
    })
  }

  #placeOf({ path }: SharedKey): Place {
    const known = this.#places.get(path)
    if (known) return known
    const place: Place = { waiting: new Set() }
    this.#places.set(path, place)
    return place
  }
}
