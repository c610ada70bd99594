import { SecretsError } from '@finchat/secrets-core'
import { isLate, untilEnded } from './deadline.ts'

/** Who joins a run that is older than this may find the server back though the run fails. */
const oldMs = 500

/** One run at a time for all who wait. Whoever gives up waiting leaves it to the others. */
export class SharedRun<T> {
  readonly #run: () => Promise<T>
  #current: { readonly promise: Promise<T>; readonly startedAt: number } | undefined

  constructor(run: () => Promise<T>) {
    this.#run = run
  }

  /** The run that is under way, if one is. */
  get current(): Promise<T> | undefined {
    return this.#current?.promise
  }

  /** What a run resolves to. One that hung, or was old, and failed, is no answer to whoever joined it later: then there is one more. */
  async get(signal: AbortSignal): Promise<T> {
    const joined = this.#current
    if (joined === undefined) return untilEnded(this.start(), signal)
    const isOld = Date.now() - joined.startedAt >= oldMs
    try {
      return await untilEnded(joined.promise, signal)
    } catch (error) {
      if (signal.aborted || !isWorthOneMore(error, isOld)) throw error
      // What the first one failed with says more than that there was no time for another.
      return untilEnded(this.start(), signal).catch((another: unknown) => Promise.reject(isLate(signal) ? error : another))
    }
  }

  /** The same without an end to the wait. */
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
