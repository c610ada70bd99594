import { assertValidName } from '../chain/names.ts'
import type { ChainEntry } from '../chain/routing.ts'
import { own } from '../errors/own-properties.ts'
import { whenClosed } from '../guard/deadline.ts'
import type { ManagerParts } from '../manager/parts.ts'
import { Candidates } from './logins/candidates.ts'
import type { CurrentSecret } from './known/current.ts'
import { isOlder } from './known/known-version.ts'
import { LiveState } from './known/live-state.ts'
import { Schedule } from './schedule.ts'
import { HeldLogins } from './logins/held-logins.ts'
import { Trials } from './logins/trials.ts'
import { Watch, type WatchListener } from './watch.ts'

/** What is known of one name, and how a refused credential is replaced. */
export interface LiveName {
  readonly state: LiveState
  readonly candidates: Candidates
  readonly trials: Trials
  readonly logins: HeldLogins
}

/** Of several names, one probe takes about this part of the time in which all are probed. */
const spreadMs = 2

/** The watches of one manager, and the hints that make them look at once. */
class LiveHub {
  readonly #parts: ManagerParts
  readonly #names = new Map<string, LiveName>()
  readonly #watches = new Map<string, Watch>()
  readonly #schedule = new Schedule()
  #endHints: (() => void) | undefined

  constructor(parts: ManagerParts) {
    this.#parts = parts
    whenClosed(parts.bounds.closing, () => this.#close())
  }

  /** Undefined unless the name was watched, or its credential refused. */
  known(name: string): LiveName | undefined {
    return this.#names.get(name)
  }

  /** The secrets whose logins use a version before the current one. */
  get usingFormer(): readonly string[] {
    const uses = ({ state: { best, latest } }: LiveName): boolean => best !== undefined && latest !== undefined && isOlder(best, latest)
    return [...this.#names].flatMap(([name, live]) => (uses(live) ? [name] : []))
  }

  live(name: string): LiveName {
    const known = this.#names.get(name)
    if (known !== undefined) return known
    assertValidName(name)
    const state = new LiveState()
    const taken = (current: CurrentSecret): void => {
      const watch = this.#watches.get(name)
      if (state.isLate(current)) return
      if (watch === undefined) state.take(current)
      else watch.take(current)
    }
    const candidates = new Candidates({ parts: this.#parts, name, state, taken })
    const logins = new HeldLogins(name, candidates, state, this.#parts.bounds.closing)
    const live = { state, candidates, trials: new Trials(candidates, state), logins }
    this.#names.set(name, live)
    return live
  }

  /** Lets go of a name's values, unless it is in use, or another value than the current one works. */
  forget(name: string): void {
    const live = this.#names.get(name)
    if (live === undefined || live.state.isWatched || live.trials.isBusy || !live.candidates.isIdle) return
    if (live.state.best === live.state.latest) this.#names.delete(name)
  }

  watch(name: string, listener: WatchListener): () => void {
    const watch = this.#watches.get(name) ?? this.#begin(name)
    return watch.add(listener)
  }

  #begin(name: string): Watch {
    const route = this.#parts.locate(name)
    const { state } = this.live(name)
    const left = (): void => this.#left(name)
    const watch = new Watch({ parts: this.#parts, route, state, schedule: this.#schedule, left })
    this.#watches.set(name, watch)
    state.isWatched = true
    this.#endHints ??= this.#listen()
    return watch
  }

  #left(name: string): void {
    this.#watches.delete(name)
    this.live(name).state.isWatched = false
    this.forget(name)
    if (this.#watches.size > 0) return
    this.#endHints?.()
    this.#endHints = undefined
  }

  #close(): void {
    const watches = [...this.#watches.values()]
    this.#watches.clear()
    this.#names.clear()
    this.#endHints?.()
    this.#endHints = undefined
    for (const watch of watches) watch.end()
  }

  #listen(): () => void {
    const { chainEntries, shared, hearChanges } = this.#parts
    const ends = chainEntries.map((chainEntry) => quietly(() => chainEntry.provider.changes?.((path) => this.#changed(chainEntry, path))))
    ends.push(quietly(() => shared?.subscribe?.((key) => this.#announced(key))))
    ends.push(
      hearChanges((storeId, path) => {
        for (const watch of this.#watchesOf(storeId, path)) watch.look('probe')
      }),
    )
    return () => {
      for (const end of ends) quietly(() => end?.())
    }
  }

  /** A hint of the store itself. Without a path, many may have to be asked: not all at once. */
  #changed(chainEntry: ChainEntry, path: unknown): void {
    const watches = this.#watchesAt(
      (location) => location.chainEntry === chainEntry && (typeof path !== 'string' || location.path === path),
    )
    for (const watch of watches) {
      if (watches.length === 1 || typeof path === 'string') watch.look('probe')
      else watch.lookWithin(watches.length * spreadMs)
    }
  }

  /** The manager's cache has dropped it, and one process asks the store for all. */
  #announced(key: unknown): void {
    for (const watch of this.#watchesOf(own(key, 'sharedAs'), own(key, 'path'))) watch.look('cache')
  }

  #watchesOf(storeId: unknown, path: unknown): readonly Watch[] {
    return this.#watchesAt((location) => location.chainEntry.storeId === storeId && location.path === path)
  }

  #watchesAt(isAt: Place): readonly Watch[] {
    return [...this.#watches.values()].filter((watch) => watch.route.locations.some(isAt))
  }
}

type Place = (location: { readonly chainEntry: ChainEntry; readonly path: string }) => boolean

/** A hint may be missed: the interval remains. */
function quietly<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}

const hubs = new WeakMap<ManagerParts, LiveHub>()

/** Undefined if nothing was watched or used. */
export function knownHubOf(parts: ManagerParts): LiveHub | undefined {
  return hubs.get(parts)
}

export function hubOf(parts: ManagerParts): LiveHub {
  const known = hubs.get(parts)
  if (known !== undefined) return known
  const hub = new LiveHub(parts)
  hubs.set(parts, hub)
  return hub
}
