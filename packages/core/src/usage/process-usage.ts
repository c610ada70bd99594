import { hostname } from 'node:os'
import type { WriteReceipt } from '../contract/provider.ts'
import type { UsagePath } from '../contract/shared-usage.ts'
import { jittered, whenClosed } from '../guard/deadline.ts'
import { OutageTracker, warnOperator } from '../guard/outage-warning.ts'
import { loadCrypto } from '../kit/builtins.ts'
import type { ManagerParts } from '../manager/parts.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { LoginUsage } from './login-usage.ts'
import { PathUsage } from './path-usage.ts'
import { sharedUsageOf, usagePathOf } from './usage-places.ts'

const beatMs = 30_000

/** What one user uses, by path. */
interface Placed {
  readonly placed: readonly (readonly [path: PathUsage, receipts: readonly WriteReceipt[]])[]
  /** A value that cannot be told. */
  readonly failure?: { readonly reason: unknown } | undefined
}

/** What one process uses, over one manager. It says goodbye when the manager is closed. */
class ProcessUsage {
  readonly #parts: ManagerParts
  readonly #process = loadCrypto().randomUUID()
  readonly #paths = new Map<string, PathUsage>()
  readonly #logins = new Map<string, LoginUsage>()
  readonly #outage = new OutageTracker()
  readonly #running = new Set<Promise<unknown>>()
  #isClosed = false

  constructor(parts: ManagerParts) {
    this.#parts = parts
    // `close()` waits for what is held, before it closes the shared cache.
    whenClosed(parts.bounds.closing, () => parts.observer.hold(this.#leave()))
  }

  /** The secrets of which a version is in use before the one that the cache holds. */
  get usingFormer(): readonly string[] {
    return [...this.#paths.values()].flatMap((usage) => {
      const current = this.#currentAt(usage.path)
      return current !== undefined && usage.usesBefore(current) ? [usage.name] : []
    })
  }

  /** What one user uses of a name from now on. Rejects if the fleet cannot be told. */
  async uses(user: object, name: string, values: readonly SecretValue[], actor: string | undefined): Promise<void> {
    const { placed, failure } = this.#place(user, name, values)
    await Promise.all(placed.map(([path, receipts]) => path.uses(user, receipts, actor)))
    if (failure !== undefined) throw failure.reason
  }

  /**
   * As `uses`, for callers that go on without: the operator is warned, and it is tried again. After
   * a failure of the cache for a path, callers wait for that path only once the cache answered.
   */
  async told(user: object, name: string, values: readonly SecretValue[], actor: string | undefined): Promise<void> {
    const { placed, failure } = this.#place(user, name, values)
    if (failure !== undefined) this.#failed()
    const tellings = placed.map(([path, receipts]) => {
      const { hasFailed } = path
      const telling = this.#noting(path.uses(user, receipts, actor))
      return hasFailed ? Promise.resolve() : telling
    })
    await Promise.all(tellings)
  }

  /** The logins with a name, by `useSecret`. */
  logins(name: string): LoginUsage {
    const known = this.#logins.get(name)
    if (known !== undefined) return known
    const made = new LoginUsage((user, values, actor) => this.told(user, name, values, actor))
    this.#logins.set(name, made)
    return made
  }

  /** `close()` says goodbye only after it has ended. */
  async during<T>(running: Promise<T>): Promise<T> {
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  /**
   * What is to be told at each path, and why some value cannot be. The user may have that value since
   * before, under a version that it had registered: then its marks stay, beside what is told now.
   */
  #place(user: object, name: string, values: readonly SecretValue[]): Placed {
    if (this.#isClosed) return { placed: [] }
    const found = new Map<PathUsage, WriteReceipt[]>()
    let failure: Placed['failure']
    for (const { provider, version, revision } of values)
      try {
        const path = this.#at(name, provider)
        found.set(path, [...(found.get(path) ?? []), { version, revision }])
      } catch (reason) {
        failure = { reason }
      }
    for (const path of this.#paths.values()) {
      const before = path.of(user)
      if (before !== undefined) found.set(path, [...(failure === undefined ? [] : before), ...(found.get(path) ?? [])])
    }
    return { placed: [...found], failure }
  }

  #currentAt({ sharedAs, path }: UsagePath): number | undefined {
    const known = this.#parts.chainEntries.find(({ storeId }) => storeId === sharedAs)?.store.look(path)
    return known !== undefined && 'held' in known ? known.held.metadata.version : undefined
  }

  #at(name: string, provider: string): PathUsage {
    const path = usagePathOf(this.#parts, name, provider)
    const id = JSON.stringify([path.sharedAs, path.path])
    const known = this.#paths.get(id)
    if (known !== undefined) return known
    const made = new PathUsage({
      name,
      usage: sharedUsageOf(this.#parts),
      path,
      process: this.#process,
      host: hostname(),
      pid: process.pid,
    })
    if (this.#paths.size === 0) this.#plan()
    this.#paths.set(id, made)
    return made
  }

  #plan(): void {
    setTimeout(() => void this.#beat(), jittered(beatMs)).unref()
  }

  async #beat(): Promise<void> {
    if (this.#isClosed) return
    await this.#noting(Promise.all([...this.#paths.values()].map((path) => path.beat())))
    this.#plan()
  }

  async #leave(): Promise<void> {
    this.#isClosed = true
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    await Promise.allSettled([...this.#paths.values()].map((path) => path.leave()))
  }

  /** Never rejects. */
  #noting(telling: Promise<unknown>): Promise<void> {
    return telling.then(
      () => this.#outage.answered(),
      () => this.#failed(),
    )
  }

  #failed(): void {
    if (!this.#outage.failed()) return
    warnOperator(
      'The fleet cannot be told which version this process uses, and may withdraw it too early. See to the shared cache',
      'FINCHAT_SECRETS_USAGE_MARKS',
    )
  }
}

const processes = new WeakMap<ManagerParts, ProcessUsage>()

/** Undefined if nothing was registered. */
export function knownProcessUsageOf(parts: ManagerParts): ProcessUsage | undefined {
  return processes.get(parts)
}

export function processUsageOf(parts: ManagerParts): ProcessUsage {
  const known = processes.get(parts)
  if (known !== undefined) return known
  const made = new ProcessUsage(parts)
  processes.set(parts, made)
  return made
}

export type { ProcessUsage }
