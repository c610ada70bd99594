import { SecretsError } from '@finchat/secrets-core'
import { isLate, untilEnded } from './deadline.ts'

/** A run that is older than this may fail although the server is back. */
const oldMs = 500

/** A single flight: one run at a time for all callers, each of which may give up waiting. */
export class SingleFlight<T> {
  readonly #run: () => Promise<T>
  #current: { readonly promise: Promise<T>; readonly startedAt: number } | undefined

  constructor(run: () => Promise<T>) {
    this.#run = run
  }

  /** The run that is under way, if one is. */
  get current(): Promise<T> | undefined {
    return this.#current?.promise
  }

  /** The result of a run. A caller that joined one which hung, or was old, waits for one more. */
  async get(signal: AbortSignal): Promise<T> {
    const joined = this.#current
    if (joined === undefined) return untilEnded(this.start(), signal)
    const isOld = Date.now() - joined.startedAt >= oldMs
    try {
      return await untilEnded(joined.promise, signal)
    } catch (error) {
      if (signal.aborted || !isWorthOneMore(error, isOld)) throw error
      // The first error says more than that there was no time for another run.
      return untilEnded(this.start(), signal).catch((another: unknown) => Promise.reject(isLate(signal) ? error : another))
    }
  }

  /** Joins the run that is under way, or starts one. */
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
