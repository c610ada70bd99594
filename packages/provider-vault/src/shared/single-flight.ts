import { SecretsError } from '@finchat/secrets-core'
import { isLate, untilEnded } from '@finchat/secrets-core/http'

/** An older run may fail although the server is back. */
const oldMs = 500

/** One run at a time for all callers. Each caller may give up. */
export class SingleFlight<T> {
  readonly #run: () => Promise<T>
  #current: { readonly promise: Promise<T>; readonly startedAt: number } | undefined

  constructor(run: () => Promise<T>) {
    this.#run = run
  }

  /** The run under way. */
  get current(): Promise<T> | undefined {
    return this.#current?.promise
  }

  /** Joins or starts a run. A caller that joined a hung or old run waits for one more. */
  async get(signal: AbortSignal): Promise<T> {
    const earlier = this.#current
    if (earlier === undefined) return untilEnded(this.start(), signal)
    const isOld = Date.now() - earlier.startedAt >= oldMs
    try {
      return await untilEnded(earlier.promise, signal)
    } catch (error) {
      if (signal.aborted || !isWorthOneMore(error, isOld)) throw error
      // The first error says more than a deadline.
      return untilEnded(this.start(), signal).catch((another: unknown) => Promise.reject(isLate(signal) ? error : another))
    }
  }

  /** Joins the run under way, or starts one. */
  start(): Promise<T> {
    if (this.#current !== undefined) return this.#current.promise
    const promise = this.#run().finally(() => (this.#current = undefined))
    this.#current = { promise, startedAt: Date.now() }
    return promise
  }
}

function isWorthOneMore(error: unknown, isOld: boolean): boolean {
  if (!SecretsError.isInstance(error)) return false
  return error.code === 'DEADLINE_EXCEEDED' || (isOld && error.code === 'UNAVAILABLE')
}
