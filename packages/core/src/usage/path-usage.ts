import type { SharedUsage, UsageMark, UsagePath } from '../contract/shared-usage.ts'
import type { WriteReceipt } from '../contract/provider.ts'
import { bounded, jittered } from '../guard/deadline.ts'

const answerMs = 5_000
/** Spreads what a fleet tells after a rotation, and gathers what one process tells. */
const soonMs = 1_000
/** A process that could not register tries again after one to three of these, and later after more. */
const againMs = 1_000
/** The pauses double up to this. Beats try too. */
const longestAgainMs = 30_000
/** How long a mark counts as kept after a sign of it. Beats come sooner. */
const keptForMs = 40_000
const never = new AbortController().signal

/** Who makes a mark, and where it is kept. */
export interface PathUsageOptions {
  /** The first name under which the path was used. */
  readonly name: string
  readonly usage: SharedUsage
  readonly path: UsagePath
  readonly process: string
  readonly host: string
  readonly pid: number
}

/** What this process uses of one path, by all who use it here, as the fleet is told. */
export class PathUsage {
  readonly #options: PathUsageOptions
  readonly #users = new Map<object, readonly WriteReceipt[]>()
  #actor: string | undefined
  #count = 0
  /** What was acknowledged last; undefined if that is not certain. */
  #told: readonly WriteReceipt[] | undefined = []
  /** When the mark was surely kept, by both clocks: one may stand still, the other may be set. */
  #keptAt: readonly number[] = []
  #telling: Promise<void> | undefined
  #soon: NodeJS.Timeout | undefined
  /** In a row. */
  #failures = 0
  #hasLeft = false

  constructor(options: PathUsageOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.name
  }

  get path(): UsagePath {
    return this.#options.path
  }

  /** The shared cache gave no answer at the last call. */
  get hasFailed(): boolean {
    return this.#failures > 0
  }

  /** Whether a version below this one is in use. */
  usesBefore(current: number): boolean {
    return this.#list.some(({ version }) => version !== undefined && version < current)
  }

  /** What one user uses, if it uses anything here. */
  of(user: object): readonly WriteReceipt[] | undefined {
    return this.#users.get(user)
  }

  /** What one user uses from now on. Resolves when the fleet counts this process for it. */
  async uses(user: object, receipts: readonly WriteReceipt[], actor?: string): Promise<void> {
    this.#actor = actor ?? this.#actor
    if (receipts.length === 0) this.#users.delete(user)
    else this.#users.set(user, distinct(receipts))
    if (receipts.length > 0 && receipts.every((receipt) => this.#isCounted(receipt))) this.#tellSoon()
    else await this.tell()
  }

  /** Tells the fleet what is used now, unless it knows. One call at a time. */
  async tell(): Promise<void> {
    while (!this.#isTold) await (this.#telling ??= this.#register().finally(() => (this.#telling = undefined)))
  }

  /** Shows that this process lives, and tells the fleet anew what it forgot. */
  async beat(): Promise<void> {
    const { usage, path, process } = this.#options
    if (this.#isTold && this.#list.length > 0) {
      const begunAt = clocks()
      if (await this.#within((context) => usage.seen(path, process, context))) this.#keptAt = begunAt
      else this.#told = undefined
    }
    await this.tell()
  }

  /** Nothing is used any more. */
  async leave(): Promise<void> {
    this.#hasLeft = true
    this.#users.clear()
    clearTimeout(this.#soon)
    await this.tell()
  }

  /**
   * A process with an older mark than this version holds up a withdrawal of this version too. If the
   * mark was lost meanwhile, a new version must not count on it.
   */
  #isCounted(receipt: WriteReceipt): boolean {
    if (this.#told === undefined || this.#told.length === 0) return false
    if (this.#told.some((told) => idOf(told) === idOf(receipt))) return true
    const isSurelyKept = clocks().every((now, n) => now - (this.#keptAt[n] ?? 0) < keptForMs)
    return isSurelyKept && this.#told.every((told) => isOlder(told, receipt))
  }

  #tellSoon(): void {
    if (!this.#isTold) this.#tellIn(Math.random() * soonMs)
  }

  /** Not at the next beat: at a mass start many fail at first. Not at once: an outage may be long. */
  #tellAgain(): void {
    const pauseMs = againMs * (1 + 2 * Math.random()) * 2 ** (this.#failures - 1)
    if (!this.#hasLeft) this.#tellIn(Math.min(pauseMs, jittered(longestAgainMs)))
  }

  #tellIn(ms: number): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      this.tell().catch(() => {}) // it is tried again
    }, ms).unref()
  }

  get #list(): readonly WriteReceipt[] {
    return distinct([...this.#users.values()].flat())
  }

  get #isTold(): boolean {
    return this.#told !== undefined && idsOf(this.#list) === idsOf(this.#told)
  }

  async #register(): Promise<void> {
    const { usage, path, process, host, pid } = this.#options
    const uses = this.#list
    const mark: UsageMark = { process, host, pid, uses, actor: this.#actor, count: (this.#count += 1), since: Date.now() }
    this.#told = undefined // until it is acknowledged
    const begunAt = clocks()
    try {
      await this.#within((context) => usage.register(path, mark, context))
    } catch (error) {
      this.#tellAgain()
      throw error
    }
    this.#told = uses
    this.#keptAt = begunAt
  }

  async #within<T>(call: (context: { readonly signal: AbortSignal }) => Promise<T>): Promise<T> {
    try {
      const answer = await bounded((signal) => call({ signal }), { deadlineMs: answerMs, closing: never, owner: 'the usage mark' })
      this.#failures = 0
      return answer
    } catch (error) {
      this.#failures += 1
      throw error
    }
  }
}

function distinct(receipts: readonly WriteReceipt[]): readonly WriteReceipt[] {
  return [...new Map(receipts.map((receipt) => [idOf(receipt), receipt])).values()]
}

function clocks(): readonly number[] {
  return [performance.now(), Date.now()]
}

function isOlder({ version: one }: WriteReceipt, { version: other }: WriteReceipt): boolean {
  return one !== undefined && other !== undefined && one < other
}

function idOf({ version, revision }: WriteReceipt): string {
  return JSON.stringify([version, revision])
}

function idsOf(receipts: readonly WriteReceipt[]): string {
  return receipts.map(idOf).toSorted().join()
}
