import { SecretsError } from '../errors/secrets-error.ts'

/** `setTimeout` fires at once for more (Node.js documentation, timers). */
export const longestTimerMs: number = 2 ** 31 - 1

/** What ends a call that may hang. */
export interface Bounds {
  /** From when it begins, in milliseconds: at most 2,147,483,647, which is `setTimeout`'s own bound, or Infinity for none. */
  readonly deadlineMs: number
  /** The caller's abort. */
  readonly signal?: AbortSignal | undefined
  /** Aborted by the `close()` of what the call belongs to, for all of its calls: so it costs one listener, however many there are. */
  readonly closing: AbortSignal
  /** What that is, for the message. Default: the secrets manager. */
  readonly owner?: string | undefined
}

/**
 * Settles as `run` does, or rejects with `DEADLINE_EXCEEDED` or `ABORTED`, whichever is first; then the signal that `run` got is aborted, and
 * what it does later is not looked at. Rejects without calling `run` if a signal is aborted already. A `run` that throws at once is as one that
 * rejects. The timer is ref'ed: a process never ends with this unsettled. For authors of providers, whose clients may hang where no signal
 * reaches: in a source of credentials, or in the middle of a body.
 *
 * @example
 * import { bounded, SecretsError } from '@finchat/secrets-core'
 *
 * const closing = new AbortController()
 * const hangs = (signal: AbortSignal) => new Promise<string>(() => signal.addEventListener('abort', () => console.log('ended')))
 * const failure = await bounded(hangs, { deadlineMs: 20, closing: closing.signal, owner: 'the provider' }).catch((error: unknown) => error)
 * console.log(SecretsError.isInstance(failure) && failure.code) // DEADLINE_EXCEEDED
 */
export function bounded<T>(run: (signal: AbortSignal) => Promise<T>, bounds: Bounds): Promise<T> {
  const { deadlineMs, closing } = bounds
  const given = Object.hasOwn(bounds, 'signal') ? bounds.signal : undefined
  const owner = Object.hasOwn(bounds, 'owner') ? bounds.owner : undefined
  // Calls of nobody in particular carry the closing signal alone.
  const signal = given === closing ? undefined : given
  if (closing.aborted) return Promise.reject(closed(owner))
  if (signal?.aborted) return Promise.reject(aborted())
  return new Promise((resolve, reject) => {
    const controller = new AbortController()
    const end = (error: SecretsError): void => {
      release()
      reject(error)
      controller.abort(error)
    }
    const onAbort = signal && ((): void => end(aborted()))
    const onClose = (): void => end(closed(owner))
    const onTime = (): void => end(new SecretsError('DEADLINE_EXCEEDED', `no answer within ${deadlineMs} ms`))
    const timer = deadlineMs === Infinity ? undefined : setTimeout(onTime, deadlineMs)
    if (onAbort) signal.addEventListener('abort', onAbort)
    const calls = endedBy(closing).add(onClose)
    const release = (): void => {
      clearTimeout(timer)
      if (onAbort) signal.removeEventListener('abort', onAbort)
      calls.delete(onClose)
    }
    promised(() => run(controller.signal)).then(
      (answer) => {
        release()
        resolve(answer)
      },
      (error: unknown) => {
        release()
        reject(error)
      },
    )
  })
}

/** A signal that exists only if somebody reads it. */
class SignalOnDemand {
  #controller: AbortController | undefined

  get signal(): AbortSignal {
    return this.#own().signal
  }

  /** Is aborted with that one from now on. */
  follow(signal: AbortSignal): void {
    signal.addEventListener('abort', () => this.#own().abort(signal.reason))
  }

  #own(): AbortController {
    return (this.#controller ??= new AbortController())
  }
}

/**
 * As `bounded`, for a call that most often has ended at once. The timer starts only if the call runs
 * for longer than a microtask, and its signal exists only if the call reads it.
 */
export async function boundedUnlessPrompt<T>(run: (context: { readonly signal: AbortSignal }) => Promise<T>, bounds: Bounds): Promise<T> {
  if (bounds.closing.aborted || bounds.signal?.aborted) return bounded((signal) => run({ signal }), bounds)
  const context = new SignalOnDemand()
  let hasEnded = false
  const end = (): void => void (hasEnded = true)
  const running = promised(() => run(context))
  running.then(end, end)
  await Promise.resolve()
  if (hasEnded) return running
  return bounded((signal) => {
    context.follow(signal)
    return running
  }, bounds)
}

type End = () => void

const running = new WeakMap<AbortSignal, Set<End>>()

/**
 * What ends the calls that run until this signal is aborted. It lives long and ends many: a listener for each would be looked for in a list of
 * them all.
 */
function endedBy(closing: AbortSignal): Set<End> {
  const known = running.get(closing)
  if (known !== undefined) return known
  const ends = new Set<End>()
  running.set(closing, ends)
  closing.addEventListener('abort', () => {
    for (const end of ends) end()
  })
  return ends
}

/**
 * Settles as `promise` does, or rejects with `ABORTED` if the signal is aborted first. The promise itself goes on, for others who wait for it:
 * one who gives up disturbs nobody.
 *
 * @example
 * import { SecretsError, untilAborted } from '@finchat/secrets-core'
 *
 * const shared = Promise.resolve('answer')
 * console.log(await untilAborted(shared, new AbortController().signal)) // answer
 * const failure = await untilAborted(shared, AbortSignal.abort()).catch((error: unknown) => error)
 * console.log(SecretsError.isInstance(failure) && failure.code) // ABORTED
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return raceAbort(promise, signal, () => {})
}

/** The same; `left` is called when the signal is aborted first. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined, left: () => void): Promise<T> {
  if (signal === undefined) return promise
  const { promise: abort, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => {
    reject(aborted())
    left()
  }
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort)
  return Promise.race([abort, promise]).finally(() => signal.removeEventListener('abort', onAbort))
}

export function aborted(): SecretsError {
  return new SecretsError('ABORTED', "the caller's signal was aborted")
}

export function closed(owner = 'the secrets manager'): SecretsError {
  return new SecretsError('ABORTED', `${owner} is closed`, { remedy: 'close it after the last use' })
}

/** A function that throws at once is as one that rejects, and an answer as one that was promised. */
export function promised<T>(call: () => Promise<T>): Promise<T> {
  try {
    return Promise.resolve(call())
  } catch (error) {
    return Promise.reject(error)
  }
}

/** Beyond this a timer should have ended the call long ago: the process was frozen, or its clock was set. */
const gapMs = 1_000

/** Returns whether a call that begins now, and is ended by its deadline, has spanned a gap of the wall clock. */
export function clockGap(deadlineMs: number): () => boolean {
  const startedAt = Date.now()
  return () => {
    const elapsed = Date.now() - startedAt
    return elapsed > deadlineMs + gapMs || elapsed < -gapMs
  }
}
