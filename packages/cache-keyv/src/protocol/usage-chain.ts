import type { UsagePath } from '@finchat/secrets-core'
import { loadCrypto, pause } from '@finchat/secrets-core/provider'
import { type UsageNames, usageNamesOf } from '../sealed/usage-names.ts'
import { openUsage, type Roster, sealUsage, type TextPlace } from '../sealed/usage-texts.ts'
import { StoreFault } from '../store/errors.ts'
import { getText, type RedisClient, setFor, setIfAbsent } from '../store/redis-client.ts'
import type { CacheContext } from './context.ts'

export interface UsageContext extends CacheContext {
  readonly client: RedisClient
}

/** The last roster of a chain; number -1 and no roster: nobody registered in it yet. */
export interface LastRoster {
  readonly chain: string
  readonly number: number
  readonly roster: Roster | undefined
}

const dayMs = 86_400_000
/** Each change renews the time to live of the roster. Its expiry counts as a loss. */
const rosterTtlMs = 400 * dayMs
const headTtlMs = 10 * rosterTtlMs
/** How late a command of a stopped process may reach the server and still find its place taken. */
const supersededTtlMs = 7 * dayMs
/** The first one stays, since a chain without it counts as new. */
const superseded = 'superseded'
const mostAttempts = 200
const longestPauseMs = 250

/**
 * Who uses one path, as a chain of rosters in the store. Each has the next number and is written
 * only where there is none (`SET … NX`), so that no process overwrites what another one registered,
 * however late its command arrives. A chain with a gap is abandoned: a new one begins, and it says
 * since when.
 */
export class UsageChain {
  readonly #cache: UsageContext
  readonly #path: UsagePath
  readonly #names: UsageNames
  /** The highest number that this process knows to be there. */
  #seen: { readonly chain: string; readonly number: number } | undefined

  constructor(cache: UsageContext, path: UsagePath) {
    this.#cache = cache
    this.#path = path
    this.#names = usageNamesOf(path, cache)
  }

  get names(): UsageNames {
    return this.#names
  }

  /** `undefined`: there is no chain, or it has a gap. */
  async last(): Promise<LastRoster | undefined> {
    const [chain, expected] = await Promise.all([this.#chain(), this.#expected()])
    if (chain === undefined) return undefined
    return expected?.chain === chain ? expected : this.#lastOf(chain)
  }

  /**
   * Makes the next roster, unless it is there, and returns its chain. If that is abandoned meanwhile,
   * the next chain begins later than this call.
   */
  async change(next: (roster: Roster) => Roster, signal: AbortSignal): Promise<string> {
    for (let attempt = 0; attempt < mostAttempts && !signal.aborted; attempt += 1) {
      const last = (await this.last()) ?? (await this.#begin())
      const before = last?.roster ?? { begunAt: Date.now(), marks: [] }
      if (last !== undefined) {
        const after = next(before)
        const isThere = last.roster !== undefined && after === before
        if (isThere || (await this.#append(last, after))) return last.chain
      }
      await pause(Math.random() * Math.min(2 ** attempt, longestPauseMs), signal)
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
    const chain = await this.#chain()
    if (chain !== undefined && (await this.#lastOf(chain)) === undefined) await this.abandon()
    const text = sealUsage(this.#cache.keys, this.place('usage head'), loadCrypto().randomUUID())
    await this.#run((client) => setIfAbsent(client, this.#names.head, text, headTtlMs))
    return this.last()
  }

  async #chain(): Promise<string | undefined> {
    const chain = openUsage(this.#cache.keys, this.place('usage head'), await this.get(this.#names.head))
    return typeof chain === 'string' ? chain : undefined
  }

  /** The last one, if it is what this process knows: mostly so, and then without another look. */
  async #expected(): Promise<LastRoster | undefined> {
    if (this.#seen === undefined) return undefined
    const { chain, number } = this.#seen
    if (number < 0) return undefined
    const at = (which: number): Promise<string | undefined> => this.get(this.#names.roster(chain, which))
    const [first, text, following] = await Promise.all([at(0), at(number), at(number + 1)])
    return first === undefined || following !== undefined ? undefined : this.#checked(chain, number, text)
  }

  async #lastOf(chain: string): Promise<LastRoster | undefined> {
    const [sealedHint, first] = await Promise.all([this.get(this.#names.hint(chain)), this.get(this.#names.roster(chain, 0))])
    const hint = openUsage(this.#cache.keys, this.place('usage hint', chain), sealedHint)
    if (first === undefined) return hint === undefined ? this.#checked(chain, -1, undefined) : undefined
    return this.#lastFrom(chain, typeof hint === 'number' ? hint : 0)
  }

  async #lastFrom(chain: string, hint: number): Promise<LastRoster | undefined> {
    for (let number = hint; ; number += 1) {
      const at = (which: number): Promise<string | undefined> => this.get(this.#names.roster(chain, which))
      // In this order: a roster is superseded only after the next one is there.
      const [text, following] = await Promise.all([at(number), at(number + 1)])
      if (following === undefined) return this.#checked(chain, number, text)
    }
  }

  /** A lower number than before means that the server lost or took back the last ones. */
  #checked(chain: string, number: number, text: string | undefined): LastRoster | undefined {
    const roster = openUsage(this.#cache.keys, this.place('usage roster', chain, number), text) as Roster | undefined // as it was sealed
    const isGap = number !== -1 && roster === undefined
    if (isGap || (this.#seen?.chain === chain && number < this.#seen.number)) return undefined
    this.#seen = { chain, number }
    return { chain, number, roster }
  }

  /** False: another process was faster. */
  async #append({ chain, number }: LastRoster, roster: Roster): Promise<boolean> {
    const next = number + 1
    const text = sealUsage(this.#cache.keys, this.place('usage roster', chain, next), roster)
    if (!(await this.#run((client) => setIfAbsent(client, this.#names.roster(chain, next), text, rosterTtlMs)))) {
      this.#seen = { chain, number: next }
      return false
    }
    const hint = sealUsage(this.#cache.keys, this.place('usage hint', chain), next)
    await Promise.allSettled([
      this.set(this.#names.hint(chain), hint, rosterTtlMs),
      number >= 0 ? this.set(this.#names.roster(chain, number), superseded, number === 0 ? headTtlMs : supersededTtlMs) : undefined,
    ])
    return true
  }

  #run<T>(call: (client: RedisClient) => Promise<T>): Promise<T> {
    const { store, client } = this.#cache
    return store.run(() => call(client))
  }
}
