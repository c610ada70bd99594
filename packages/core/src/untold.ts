import { backOff, type BackOff } from './back-off.ts'
import { Lru } from './lru.ts'
import { SecretsError } from './secrets-error.ts'
import { Suspects } from './suspects.ts'

const most = 10_000
/** Telling again ends long before that, unless the clock was set. */
const longestMs = 60_000

/**
 * Paths of which the shared level holds, or may hold, what it should not, and could not be told so. It is told again: of one path at a time, and later
 * with each failure, since a level that was not in reach for one is in reach for none.
 */
export class Untold {
  readonly #paths = new Suspects()
  /** What must not be undercut when it is told, by path; 0: nothing is known. */
  readonly #leastVersions = new Lru<number>(most)
  #failing: BackOff | undefined
  #nextAt = 0

  has(path: string): boolean {
    return this.#paths.has(path)
  }

  /** What to pass to `told` once telling that begins now has succeeded. */
  get mark(): number {
    return this.#paths.mark
  }

  /** What the level could not be told, or this version if that is greater: a replica of the store that lags behind does not undercut it. */
  leastVersion(path: string, version: number = 0): number | undefined {
    return Math.max(version, this.#leastVersions.get(path) ?? 0) || undefined
  }

  /** Whether to tell of this path again now; if so, `told` or `failed` must follow. */
  begin(path: string, now: number): boolean {
    const isKnown = !this.#paths.areAll && this.#leastVersions.get(path) !== undefined
    if (!isKnown || (now < this.#nextAt && this.#nextAt - now <= longestMs)) return false
    this.#nextAt = now + longestMs
    return true
  }

  told(path: string, mark: number): void {
    this.#failing = undefined
    this.#nextAt = 0
    this.#paths.clear(path, mark)
    if (!this.#paths.has(path)) this.#leastVersions.delete(path)
  }

  failed(path: string, leastVersion: number | undefined, now: number): void {
    this.#paths.add(path)
    this.#leastVersions.set(path, leastVersion ?? 0)
    this.#failing = backOff(new SecretsError('UNAVAILABLE', 'the level could not be told'), this.#failing, now, { longestMs })
    this.#nextAt = this.#failing.retryAt
  }
}
