import { type FormerKey, SecretsError, type SharedFormers } from '@finchat/secrets-core'
import { copyOutsideHeap, loadCrypto } from '@finchat/secrets-core/provider'
import { formerDigest, none, openOrder, openSeen, sealOrder, sealSeen, type SeenOrder } from '../sealed/former.ts'
import { formerNamesOf } from '../sealed/key-names.ts'
import { faultOf } from '../store/errors.ts'
import type { CacheContext } from './context.ts'
import { opened } from './probe.ts'

/** How long an answer of the store counts. What is written there ends as much earlier. */
const answerLastsMs = 5_000
/** A write may arrive late at the server. */
const arrivesWithinMs = 1_000
/** A value that was told is told again only if it was given so much later. */
const toldAgainMs = 1_000
/** An older value is from a process's memory: the store may have given another one since. */
const freshMs = 5_000
/** Parts of secrets that one process verifies. */
const mostParts = 10_000
const longestCandidate = 1_048_576

interface Told {
  readonly digest: string
  readonly givenAt: number
  readonly writing: Promise<void>
}

interface Answer {
  readonly current: string
  /** By both clocks, since one stands still while the machine sleeps. */
  readonly askedAt: readonly [wall: number, monotonic: number]
  readonly former: Promise<string | undefined>
}

/**
 * Two kinds of entries. One is of each value that a store gave lately, ended by the server. The other
 * says which two values of a part followed each other. Neither makes a value acceptable without the other. No
 * clocks of two hosts are compared while the server is honest: the writer says how long.
 */
export class Formers implements SharedFormers {
  readonly #cache: CacheContext
  readonly #told = new Map<string, Told>()
  readonly #answers = new Map<string, Answer>()

  constructor(cache: CacheContext) {
    this.#cache = cache
  }

  readonly digest = (key: FormerKey, value: Uint8Array): Uint8Array => formerDigest(this.#cache.keys, this.#at(key), value)

  readonly saw = (key: FormerKey, digest: Uint8Array | undefined, ageMs: number): Promise<void> => {
    const [id, text, givenAt] = [idOf(key), digest === undefined ? none : textOf(digest), performance.now() - ageMs]
    const known = this.#told.get(id)
    if (known?.digest === text && givenAt - known.givenAt < toldAgainMs) return known.writing
    const writing = this.#run(() => this.#write(key, text, givenAt))
    if (known?.digest !== text) this.#answers.delete(id)
    keep(this.#told, id, { digest: text, givenAt, writing })
    writing.catch(() => this.#told.delete(id))
    return writing
  }

  readonly matches = async (key: FormerKey, current: Uint8Array, candidate: string | Uint8Array): Promise<boolean> => {
    if (!isComparable(candidate)) return false
    const bytes = copyOutsideHeap(candidate)
    const presented = this.digest(key, bytes)
    bytes.fill(0)
    const former = await this.#before(key, textOf(current))
    return former !== undefined && loadCrypto().timingSafeEqual(presented, Buffer.from(former, 'base64url'))
  }

  close(): void {
    this.#told.clear()
    this.#answers.clear()
  }

  async #before(key: FormerKey, current: string): Promise<string | undefined> {
    const id = idOf(key)
    const known = this.#answers.get(id)
    if (known?.current === current && isRecent(known)) return validOf(known)
    const former = this.#run(async () => {
      // What this process has just told must be answered.
      await this.#told.get(id)?.writing
      return this.#read(key, current)
    })
    const answer: Answer = { current, askedAt: [Date.now(), performance.now()], former }
    keep(this.#answers, id, answer)
    return validOf(answer)
  }

  async #write(key: FormerKey, digest: string, givenAt: number): Promise<void> {
    const { store, keys } = this.#cache
    const [names, at] = [formerNamesOf(key, this.#cache), this.#at(key)]
    const [sealedOrder, sealedSeen] = await store.getMany([names.order, names.seenOf(digest)])
    const order = openOrder(keys, at, sealedOrder)
    const ageMs = performance.now() - givenAt
    const leftMs = key.graceMs - answerLastsMs - arrivesWithinMs - ageMs
    if ((order === undefined && digest === none) || !(leftMs > 0)) return
    const until = Date.now() + leftMs
    if (digest !== none) await store.set(names.seenOf(digest), sealSeen(keys, at, digest, until), leftMs)
    // Of hosts whose clocks differ, a value that the store has just given is the latest one, unless it
    // was replaced or withdrawn before: then a process may have it from its memory.
    const isReplaced = digest !== none && digest !== order?.current && openSeen(keys, at, digest, sealedSeen) !== undefined
    const mayBeOld = ageMs > freshMs || isReplaced
    if (order !== undefined && mayBeOld && until < order.until) return
    await store.set(names.order, sealOrder(keys, at, { ...orderAfter(order, digest), until }), key.graceMs)
  }

  /** Processes that have different values at once, such as variables, are each other's neighbours. */
  async #read(key: FormerKey, current: string): Promise<string | undefined> {
    const { store } = this.#cache
    const [names, at] = [formerNamesOf(key, this.#cache), this.#at(key)]
    const [sealedOrder] = await store.getMany([names.order])
    const order = opened(this.#cache, key, sealedOrder, (keys, text) => openOrder(keys, at, text))
    const other = order?.current === current ? order.former : order?.former === current ? order.current : none
    if (other === none) return undefined
    const [sealed] = await store.getMany([names.seenOf(other)])
    const until = opened(this.#cache, key, sealed, (keys, text) => openSeen(keys, at, other, text))
    // Some stores ignore the TTL, and a server can write an entry again.
    return until !== undefined && until > Date.now() ? other : undefined
  }

  #at(key: FormerKey): FormerKey & { readonly namespace: string } {
    return { ...key, namespace: this.#cache.namespace }
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.#cache.lifecycle.run(work)
    } catch (error) {
      throw new SecretsError('UNAVAILABLE', `the shared cache cannot be asked for former values (${faultOf(error).reason})`)
    }
  }
}

function orderAfter(order: SeenOrder | undefined, digest: string): Omit<SeenOrder, 'until'> {
  if (order?.current === digest) return order
  return { current: digest, former: order?.current ?? none }
}

function isRecent({ askedAt: [wall, monotonic] }: Answer): boolean {
  return Date.now() - wall < answerLastsMs && performance.now() - monotonic < answerLastsMs
}

/** A slow answer counts from when it was asked for. */
async function validOf(answer: Answer): Promise<string | undefined> {
  const former = await answer.former
  return isRecent(answer) ? former : undefined
}

function isComparable(candidate: string | Uint8Array): boolean {
  const { length } = candidate
  return length > 0 && length <= longestCandidate && (typeof candidate !== 'string' || candidate.isWellFormed())
}

function keep<T>(known: Map<string, T>, id: string, value: T): void {
  if (known.size >= mostParts) known.clear()
  known.set(id, value)
}

function idOf({ sharedAs, path, part, graceMs }: FormerKey): string {
  return JSON.stringify([sharedAs, path, part, graceMs])
}

function textOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString('base64url')
}
