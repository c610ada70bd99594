import type { UsagePath } from '@finchat/secrets-core'
import { loadCrypto, pause } from '@finchat/secrets-core/provider'
import { type UsageNames, usageNamesOf } from '../sealed/usage-names.ts'
import {
  type KeptRoster,
  type Link,
  linkOf,
  openUsage,
  type Roster,
  sealUsage,
  supersededText,
  type TextPlace,
} from '../sealed/usage-texts.ts'
import { StoreFault } from '../store/errors.ts'
import { getText, type RedisClient, setFor, setIfAbsent } from '../store/redis-client.ts'
import type { ServerRun } from '../store/server-run.ts'
import type { CacheContext } from './context.ts'
import { Turn } from './turn.ts'

export interface UsageContext extends CacheContext {
  readonly client: RedisClient
  readonly serverRun: ServerRun
}

/** Which chain is in use, and in which run of the server it began. */
interface Head {
  readonly chain: string
  /** Absent: its maker did not know. */
  readonly run?: string | undefined
}

/** One roster of a chain. The id tells it from another one in its place. */
interface Place {
  readonly number: number
  readonly id: string
}

/** The last roster of a chain; number -1 and no roster: nobody registered in it yet. */
export interface LastRoster extends Place {
  readonly chain: string
  readonly roster: KeptRoster | undefined
  /** Those before it that are not superseded yet, in order: a process was slow, or was stopped. */
  readonly open: readonly Place[]
  /** The hint leads to it. */
  readonly isHinted: boolean
}

const dayMs = 86_400_000
/** Each change renews the time to live of the roster. Its expiry counts as a loss. */
const rosterTtlMs = 400 * dayMs
const headTtlMs = 10 * rosterTtlMs
/** How far back a hint may lead that arrives late. Later ones end the chain. */
const supersededTtlMs = 7 * dayMs
const mostAttempts = 200
const longestPauseMs = 250
/** How far the roster that was seen last may be behind, to walk there without the hint. */
const mostSteps = 3

/**
 * Who uses one path, as a chain of rosters in the store. Each has the next number and is written
 * only where there is none (`SET … NX`). A superseded one names its successor, and the hint names
 * the roster that it leads to. So neither a roster that was lost nor one that arrives late, in the
 * place of another, is taken for the last one. A chain with a gap is abandoned: a new one begins,
 * and it says since when. So is a chain that began in another run of the server, which may have
 * started with an older snapshot.
 */
export class UsageChain {
  readonly #cache: UsageContext
  readonly #path: UsagePath
  readonly #names: UsageNames
  /** The last roster that this process knows to be there. */
  #seen: LastRoster | undefined
  readonly #abandoned = new Set<string>()

  constructor(cache: UsageContext, path: UsagePath) {
    this.#cache = cache
    this.#path = path
    this.#names = usageNamesOf(path, cache)
  }

  get names(): UsageNames {
    return this.#names
  }

  /**
   * As `last`; what was lost while it was read counts as lost. `isSameRun`: the server is known to
   * have run since the chain began. The run id is asked for last: no answer is of a later run.
   */
  async surelyLast(): Promise<{ readonly last: LastRoster; readonly isSameRun: boolean } | undefined> {
    const last = await this.last()
    const head = await this.get(this.#names.head)
    const run = await this.#runId()
    return last !== undefined && last.chain === this.#chainIn(head, run) ? { last, isSameRun: run !== undefined } : undefined
  }

  /** `undefined`: there is no chain, or it has a gap. */
  async last(): Promise<LastRoster | undefined> {
    const seen = this.#seen
    const [head, near, run] = await Promise.all([this.get(this.#names.head), this.#lastSince(seen), this.#runId()])
    const chain = this.#chainIn(head, run)
    if (chain === undefined) return undefined
    const last = near?.chain === chain ? near : await this.#lastOf(chain, seen)
    if (last !== undefined) this.#saw(last)
    return last
  }

  /**
   * Makes the next roster, unless it is there, and returns its chain. If that is abandoned meanwhile,
   * the next chain begins later than this call.
   */
  async change(next: (roster: Roster) => Roster, signal: AbortSignal): Promise<string> {
    const turn = new Turn(this.#cache, this.#names.turn)
    try {
      return await this.#changeInTurn(next, turn, signal)
    } finally {
      turn.end()
    }
  }

  async #changeInTurn(next: (roster: Roster) => Roster, turn: Turn, signal: AbortSignal): Promise<string> {
    for (let attempt = 0; attempt < mostAttempts && !signal.aborted; attempt += 1) {
      const last = (await this.last()) ?? (await this.#begin())
      const before = last?.roster ?? { begunAt: Date.now(), marks: [] }
      if (last !== undefined) {
        const after = next(before)
        const isThere = last.roster !== undefined && after === before
        if (isThere ? await this.#link(last) : await this.#append(last, after)) return last.chain
      }
      if (!(await turn.take(signal))) await pause(Math.random() * Math.min(2 ** attempt, longestPauseMs), signal)
    }
    throw new StoreFault('timeout')
  }

  /** After a loss. A command that arrives late ends a chain too early, which loses no safety. */
  async abandon(): Promise<void> {
    await this.#run((client) => client.del(this.#names.head))
  }

  async get(name: string): Promise<string | undefined> {
    return this.#run((client) => getText(client, name))
  }

  async set(name: string, text: string, ttlMs: number): Promise<void> {
    return this.#run((client) => setFor(client, name, text, ttlMs))
  }

  place(kind: TextPlace['kind'], ...fields: TextPlace['fields']): TextPlace {
    const { sharedAs, path } = this.#path
    return { namespace: this.#cache.namespace, sharedAs, path, kind, fields }
  }

  /** Begins a chain unless another process was faster. `undefined`: look again. */
  async #begin(): Promise<LastRoster | undefined> {
    const seen = this.#seen
    const [head, run] = await Promise.all([this.get(this.#names.head), this.#runId()])
    const chain = this.#chainIn(head, run)
    // A head that does not open is sealed under a key that is gone, or of another run.
    const isLost = head !== undefined && (chain === undefined || (await this.#lastOf(chain, seen)) === undefined)
    if (isLost) await this.abandon()
    const next: Head = { chain: loadCrypto().randomUUID(), run }
    const text = sealUsage(this.#cache.keys, this.place('usage head'), next)
    await this.#run((client) => setIfAbsent(client, this.#names.head, text, headTtlMs))
    return this.last()
  }

  /** A process that does not know the run id goes along with those that do. */
  #chainIn(head: string | undefined, run: string | undefined): string | undefined {
    const known = openUsage(this.#cache.keys, this.place('usage head'), head) as Head | undefined // as it was sealed
    return run === undefined || known?.run === run ? known?.chain : undefined
  }

  #runId(): Promise<string | undefined> {
    const { store, serverRun } = this.#cache
    return store.run(() => serverRun.id(this.#names.head))
  }

  async #hint(chain: string): Promise<Place | undefined> {
    const sealed = await this.get(this.#names.hint(chain))
    return openUsage(this.#cache.keys, this.place('usage hint', chain), sealed) as Place | undefined // as it was sealed
  }

  /** Mostly it is the last one still. */
  async #lastSince(seen: LastRoster | undefined): Promise<LastRoster | undefined> {
    if (seen === undefined || seen.number < 0) return undefined
    const hinted = seen.isHinted ? seen.number : undefined
    const start = seen.open[0] ?? seen
    const [first, last] = await Promise.all([this.#linkAt(seen.chain, 0), this.#lastFrom(seen.chain, start, hinted, mostSteps)])
    return first && last
  }

  async #lastOf(chain: string, seen: LastRoster | undefined): Promise<LastRoster | undefined> {
    if (this.#abandoned.has(chain)) return undefined // the server took back that it ended
    const [hint, first] = await Promise.all([this.#hint(chain), this.#linkAt(chain, 0)])
    const isNew = hint === undefined && first === undefined
    const start = first && (hint ?? { number: 0, id: first.id })
    const last = isNew ? noneIn(chain) : start && (await this.#lastFrom(chain, start, hint?.number))
    return last === undefined || (await this.#isTakenBack(last, seen)) ? undefined : last
  }

  /** The server lost or took back what this process has seen. */
  async #isTakenBack({ chain, number }: LastRoster, seen: LastRoster | undefined): Promise<boolean> {
    if (seen?.chain !== chain || seen.number < 0) return false
    const link = await this.#linkAt(chain, seen.number)
    return number < seen.number || (link !== undefined && link.id !== seen.id)
  }

  /** `undefined`: a roster is gone, or another one stands in its place; or there are too many. */
  async #lastFrom(chain: string, start: Place, hinted: number | undefined, most = Infinity): Promise<LastRoster | undefined> {
    const open: Place[] = []
    for (let { number, id } = start; number <= start.number + most; number += 1) {
      // In this order: a roster is superseded only after the next one is there.
      const [link, following] = await Promise.all([this.#linkAt(chain, number), this.#linkAt(chain, number + 1)])
      if (link?.id !== id) return undefined
      if (following === undefined) {
        const roster = this.#rosterIn(chain, number, link)
        return roster && { chain, number, id, open, roster, isHinted: number === hinted }
      }
      if (!this.#isNext(chain, number + 1, link, following)) return undefined
      if (link.superseded === undefined) open.push({ number, id })
      id = following.id
    }
    return undefined
  }

  /** What came late may stand there instead, and then it is made from another roster. */
  #isNext(chain: string, number: number, { id, superseded }: Link, following: Link): boolean {
    if (superseded !== undefined) return superseded.next === following.id
    return (following.superseded ?? this.#rosterIn(chain, number, following))?.after === id
  }

  /** `undefined`: it is superseded, or sealed for another place. */
  #rosterIn(chain: string, number: number, { text }: Link): KeptRoster | undefined {
    return openUsage(this.#cache.keys, this.place('usage roster', chain, number), text) as KeptRoster | undefined // as it was sealed
  }

  /** False: another process was faster. */
  async #append(last: LastRoster, roster: Roster): Promise<boolean> {
    const { chain, number: before } = last
    const number = before + 1
    const kept: KeptRoster = { ...roster, after: last.id }
    const text = sealUsage(this.#cache.keys, this.place('usage roster', chain, number), kept)
    if (!(await this.#run((client) => setIfAbsent(client, this.#names.roster(chain, number), text, rosterTtlMs)))) return false
    const open = before < 0 ? [] : [...last.open, { number: before, id: last.id }]
    return this.#link({ chain, number, id: linkOf(text, this.#cache).id, roster: kept, open, isHinted: false })
  }

  /**
   * From then on it is noticed if this roster is lost, or one before it. What comes late to its place
   * is not what its neighbours name. False: it is lost already, or not in the chain.
   */
  async #link(last: LastRoster): Promise<boolean> {
    const { chain, number, id, open, isHinted } = last
    if (isHinted && open.length === 0) return true
    if (number === 0 && ((await this.#hint(chain))?.id ?? id) !== id) return false
    // In order: a superseded roster expires, and then the one before it must not look like the last.
    for (const [n, place] of open.entries()) if (!(await this.#supersede(chain, place, open[n + 1]?.id ?? id))) return false
    const hint = sealUsage(this.#cache.keys, this.place('usage hint', chain), { number, id })
    await this.set(this.#names.hint(chain), hint, rosterTtlMs)
    if ((await this.#linkAt(chain, number))?.id !== id) return false
    this.#saw({ ...last, open: [], isHinted: true })
    return true
  }

  async #supersede(chain: string, { number, id }: Place, next: string): Promise<boolean> {
    const link = await this.#linkAt(chain, number)
    if (link?.id !== id) return false
    if (link.superseded !== undefined) return link.superseded.next === next
    const after = this.#rosterIn(chain, number, link)?.after
    // The first one stays, since a chain without it counts as new.
    const ttlMs = number === 0 ? headTtlMs : supersededTtlMs
    if (after !== undefined) await this.set(this.#names.roster(chain, number), supersededText(after, id, next), ttlMs)
    return after !== undefined
  }

  async #linkAt(chain: string, number: number): Promise<Link | undefined> {
    const text = await this.get(this.#names.roster(chain, number))
    return text === undefined ? undefined : linkOf(text, this.#cache)
  }

  /** A slow call may have seen less than others of this process. */
  #saw(last: LastRoster): void {
    const { chain, number } = this.#seen ?? last
    if (this.#abandoned.has(last.chain) || (chain === last.chain && number > last.number)) return
    if (chain !== last.chain) this.#abandoned.add(chain)
    this.#seen = last
  }

  #run<T>(call: (client: RedisClient) => Promise<T>): Promise<T> {
    const { store, client } = this.#cache
    return store.run(() => call(client))
  }
}

function noneIn(chain: string): LastRoster {
  return { chain, number: -1, id: '', roster: undefined, open: [], isHinted: false }
}
