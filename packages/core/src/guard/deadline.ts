import { SecretsError } from '../errors/secrets-error.ts'

/**
 * The longest time that `setTimeout` takes, in milliseconds: it fires at once for more (Node.js
 * documentation, timers).
 *
 * @example
 * import { longestTimerMs } from '@finchat/secrets-core/provider'
 *
 * console.log(longestTimerMs) // 2147483647
 */
export const longestTimerMs: number = 2 ** 31 - 1

/** What ends a call that may hang. */
export interface Bounds {
  /**
   * From when it begins, in milliseconds: at most 2,147,483,647, which is `setTimeout`'s own bound,
   * or Infinity for none.
   */
  readonly deadlineMs: number
  /** The caller's abort. */
  readonly signal?: AbortSignal | undefined
  /** Aborted by the owner's `close()`. All of its calls share one listener. */
  readonly closing: AbortSignal
  /** The owner in the error message. Default: `the secrets manager`. */
  readonly owner?: string | undefined
}

/**
 * Settles as `run` does, or rejects with `DEADLINE_EXCEEDED` or `ABORTED`, whichever is first. It
 * then aborts the signal that `run` got and ignores how `run` ends. Rejects without calling `run`
 * if a signal is aborted already; a `run` that throws counts as one that rejects. The timer is
 * ref'ed, so a process never ends before this settles. Use it where a client may hang and no signal
 * reaches, as in a source of credentials.
 *
 * @example
 * import { SecretsError } from '@finchat/secrets-core'
 * import { bounded } from '@finchat/secrets-core/provider'
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
    const cancel = whenClosed(closing, onClose)
    const release = (): void => {
      clearTimeout(timer)
      if (onAbort) signal.removeEventListener('abort', onAbort)
      cancel()
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

interface Context {
  readonly signal: AbortSignal
}

/** A context whose signal exists only if somebody reads it, and what aborts that. */
function contextOnDemand(): readonly [context: Context, abort: (reason: unknown) => void] {
  let made: AbortController | undefined
  const controller = (): AbortController => (made ??= new AbortController())
  const context = {
    // A member of its own: a copy of the context has it too.
    get signal(): AbortSignal {
      return controller().signal
    },
  }
  return [context, (reason) => controller().abort(reason)]
}

/**
 * As `bounded`, for a call that most often has ended at once. The timer starts only if the call
 * runs for longer than a microtask, and its signal exists only if the call reads it.
 */
export async function boundedUnlessPrompt<T>(run: (context: Context) => Promise<T>, bounds: Bounds): Promise<T> {
  if (isOver(bounds)) return bounded((signal) => run({ signal }), bounds)
  const [context, abort] = contextOnDemand()
  let hasEnded = false
  const end = (): void => void (hasEnded = true)
  const running = promised(() => run(context))
  running.then(end, end)
  await Promise.resolve()
  if (hasEnded) return running
  // Aborted while it began: `bounded` would not look after it.
  if (isOver(bounds)) abort(aborted())
  return bounded((signal) => {
    signal.addEventListener('abort', () => abort(signal.reason))
    return running
  }, bounds)
}

function isOver({ closing, signal }: Bounds): boolean {
  return closing.aborted || signal?.aborted === true
}

type End = () => void

const running = new WeakMap<AbortSignal, Set<End>>()

/**
 * Calls `end` when `closing` is aborted. Returns what cancels that. However many wait, the signal
 * has one listener: its own list would be searched at each removal. A signal that is aborted
 * already calls nothing.
 *
 * @example
 * import { whenClosed } from '@finchat/secrets-core/provider'
 *
 * const closing = new AbortController()
 * const cancel = whenClosed(closing.signal, () => console.log('never'))
 * cancel()
 * whenClosed(closing.signal, () => console.log('closed'))
 * closing.abort() // prints: closed
 */
export function whenClosed(closing: AbortSignal, end: End): () => void {
  const ends = running.get(closing) ?? endedBy(closing)
  ends.add(end)
  return () => void ends.delete(end)
}

function endedBy(closing: AbortSignal): Set<End> {
  const ends = new Set<End>()
  running.set(closing, ends)
  closing.addEventListener('abort', () => {
    for (const end of ends) end()
  })
  return ends
}

/**
 * Settles as `promise` does, or rejects with `ABORTED` if the signal is aborted first. The promise
 * itself goes on, for others who wait for it. `meanwhile` tells in the error what was waited for,
 * such as `the store was locked`.
 *
 * @example
 * import { SecretsError } from '@finchat/secrets-core'
 * import { untilAborted } from '@finchat/secrets-core/provider'
 *
 * const shared = Promise.resolve('answer')
 * console.log(await untilAborted(shared, new AbortController().signal)) // answer
 * const failure = await untilAborted(shared, AbortSignal.abort()).catch((error: unknown) => error)
 * console.log(SecretsError.isInstance(failure) && failure.code) // ABORTED
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined, meanwhile?: string): Promise<T> {
  return raceAbort(promise, signal, () => {}, meanwhile)
}

/**
 * Throws `ABORTED` if the signal is aborted: between two steps of a call that cannot be
 * interrupted.
 *
 * @example
 * import { throwIfAborted } from '@finchat/secrets-core/provider'
 *
 * throwIfAborted(new AbortController().signal) // goes on; throwIfAborted(AbortSignal.abort()) throws
 */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw aborted()
}

/**
 * Resolves after so many milliseconds, or as soon as the signal is aborted or `sooner` settles.
 * Never rejects, and leaves no timer and no listener behind. A time beyond `longestTimerMs` counts
 * as that.
 *
 * @example
 * import { pause } from '@finchat/secrets-core/provider'
 *
 * await pause(5)
 * await pause(60_000, AbortSignal.abort()) // at once
 */
export async function pause(ms: number, signal?: AbortSignal, sooner?: Promise<unknown>): Promise<void> {
  if (signal?.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = (): void => resolve()
  const timer = setTimeout(end, Math.min(ms, longestTimerMs))
  signal?.addEventListener('abort', end)
  sooner?.then(end, end)
  await promise
  clearTimeout(timer)
  signal?.removeEventListener('abort', end)
}

/**
 * Returns a random time from half of `ms` to the whole: processes that wait for the same do not
 * come back together.
 *
 * @example
 * import { jittered } from '@finchat/secrets-core/provider'
 *
 * console.log(jittered(1_000) >= 500) // true
 */
export function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2)
}

/** As `untilAborted`; calls `left` when the signal is aborted first. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined, left: () => void, meanwhile?: string): Promise<T> {
  if (signal === undefined) return promise
  const { promise: abort, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => {
    reject(aborted(meanwhile))
    left()
  }
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort)
  return Promise.race([abort, promise]).finally(() => signal.removeEventListener('abort', onAbort))
}

export function aborted(meanwhile?: string): SecretsError {
  const when = meanwhile === undefined ? '' : ` while ${meanwhile}`
  return new SecretsError('ABORTED', `the caller's signal was aborted${when}`)
}

export function closed(owner = 'the secrets manager'): SecretsError {
  return new SecretsError('ABORTED', `${owner} is closed`, { remedy: 'close it after the last use' })
}

/** Turns a throw into a rejection, and a plain answer into a promise. */
export function promised<T>(call: () => Promise<T>): Promise<T> {
  try {
    return Promise.resolve(call())
  } catch (error) {
    return Promise.reject(error)
  }
}

/**
 * Later than this, the process was frozen or its clock was set: a timer would have ended the call.
 */
const gapMs = 1_000

/**
 * Returns a function that tells whether the call that begins now has spanned a gap of the wall
 * clock.
 */
export function freezeDetector(deadlineMs: number): () => boolean {
  const startedAt = Date.now()
  return () => {
    const elapsed = Date.now() - startedAt
    return elapsed > deadlineMs + gapMs || elapsed < -gapMs
  }
}
