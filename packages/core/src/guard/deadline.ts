import { SecretsError } from '../errors/secrets-error.ts'

/**
 * The longest timeout of `setTimeout`, in milliseconds; it fires at once for more (Node.js
 * documentation, timers).
 *
 * @example
 * import { longestTimerMs } from '@finchat/secrets-core/provider'
 *
 * console.log(longestTimerMs) // 2147483647
 */
export const longestTimerMs: number = 2 ** 31 - 1

/** When a call ends that may hang. */
export interface Bounds {
  /** Milliseconds from the start: at most `longestTimerMs`, or Infinity for none. */
  readonly deadlineMs: number
  /** The caller's abort. */
  readonly signal?: AbortSignal | undefined
  /** Aborted by the owner's `close()`. */
  readonly closing: AbortSignal
  /** The owner in the error message. Default: `the secrets manager`. */
  readonly owner?: string | undefined
}

/**
 * Settles as `run`, or rejects first with `DEADLINE_EXCEEDED` or `ABORTED`. It then aborts `run`'s
 * signal and ignores its outcome. Rejects without calling `run` if a signal is aborted; a throw
 * counts as a rejection. The timer is ref'ed, so the process cannot end before this settles. Use it
 * where a client may hang and takes no signal.
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
  // Calls without a caller carry only the closing signal.
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
    if (onAbort) signal.addEventListener('abort', onAbort) // first: a wrong signal throws
    const timer = deadlineMs === Infinity ? undefined : setTimeout(onTime, deadlineMs)
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

/**
 * As `bounded`, for calls that mostly end at once: the timer starts only after a microtask. The
 * signal is made at once, since a getter in each context costs ten times as much.
 */
export async function boundedUnlessPrompt<T>(run: (context: Context) => Promise<T>, bounds: Bounds): Promise<T> {
  if (isOver(bounds)) return bounded((signal) => run({ signal }), bounds)
  const controller = new AbortController()
  let hasEnded = false
  const end = (): void => void (hasEnded = true)
  const running = promised(() => run({ signal: controller.signal }))
  running.then(end, end)
  await Promise.resolve()
  if (hasEnded) return await running
  // Aborted while it began: `bounded` would not look after it.
  if (isOver(bounds)) controller.abort(aborted())
  return bounded((signal) => {
    signal.addEventListener('abort', () => controller.abort(signal.reason))
    return running
  }, bounds)
}

function isOver({ closing, signal }: Bounds): boolean {
  return closing.aborted || signal?.aborted === true
}

type End = () => void

const running = new WeakMap<AbortSignal, Set<End>>()

/**
 * Calls `end` when `closing` is aborted, unless it is aborted already. Returns the function that
 * cancels this. The signal gets one listener for all, since removing one searches its whole list.
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
 * Settles as `promise`, or rejects with `ABORTED` if the signal is aborted first. The promise goes
 * on, for other waiters. `meanwhile` says in the error what it waited for, such as `the store was
 * locked`.
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
 * Throws `ABORTED` if the signal is aborted. Use it between two steps of a call that cannot be
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
 * Resolves after `ms` milliseconds, at most `longestTimerMs`, or once the signal is aborted or
 * `sooner` settles. Never rejects, and leaves no timer or listener.
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
 * Returns a random time from half of `ms` to `ms`, so that waiting processes do not return
 * together.
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

export function promised<T>(call: () => Promise<T>): Promise<T> {
  try {
    return Promise.resolve(call())
  } catch (error) {
    return Promise.reject(error)
  }
}

/**
 * If a call is this late, the process was frozen or its clock was set: a timer would have ended it.
 */
const gapMs = 1_000

/**
 * Returns a function that says whether the call that begins now spanned a gap of the wall clock.
 */
export function freezeDetector(deadlineMs: number): () => boolean {
  const startedAt = Date.now()
  return () => {
    const elapsed = Date.now() - startedAt
    return elapsed > deadlineMs + gapMs || elapsed < -gapMs
  }
}
