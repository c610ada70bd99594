import { pause, whenClosed } from '../guard/deadline.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { TransportError } from './transport-error.ts'

type Reason = 'aborted' | 'late' | 'closed'

/** What ends a call over HTTP. */
export interface CallBounds {
  readonly timeoutMs: number
  /** The caller's. */
  readonly signal?: AbortSignal | undefined
  /** Aborted when the provider closes, with its name as the reason: `abort('the Vault provider')`. */
  readonly closing: AbortSignal
}

/**
 * The bounds of each running call's signal: parts of the call reuse them, and its reason can be
 * trusted.
 */
const ours = new WeakMap<AbortSignal, CallBounds>()

/**
 * Runs under one signal that ends with the caller, the provider or the deadline. The ref'ed timer
 * keeps the process alive. `bounded` would answer for the call, which alone knows what was sent.
 *
 * @example
 * import { timedCall } from '@finchat/secrets-core/http'
 *
 * const closing = new AbortController()
 * console.log(await timedCall({ timeoutMs: 4_500, closing: closing.signal }, async (signal) => signal.aborted)) // false
 */
export function timedCall<T>(bounds: CallBounds, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { timeoutMs, signal, closing } = bounds
  const whole = signal && ours.get(signal)
  // Part of a call that ends no later: its signal serves both.
  const isCovered = whole !== undefined && whole.timeoutMs <= timeoutMs && whole.closing === closing
  if (signal === undefined || !isCovered) return timed(bounds, run)
  return signal.aborted ? Promise.reject(interruption(signal, false)) : run(signal)
}

async function timed<T>(bounds: CallBounds, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { timeoutMs, signal, closing } = bounds
  const controller = new AbortController()
  ours.set(controller.signal, bounds)
  const end = (reason: Reason) => (): void => controller.abort(reason)
  const onAbort = (): void => controller.abort(signal && ours.has(signal) ? signal.reason : 'aborted')
  const onClose = end('closed')
  if (signal?.aborted) onAbort()
  if (closing.aborted) onClose()
  const timer = setTimeout(end('late'), timeoutMs)
  signal?.addEventListener('abort', onAbort)
  const cancel = whenClosed(closing, onClose)
  try {
    assertRunning(controller.signal)
    return await run(controller.signal)
  } catch (error) {
    throw isAbortOf(controller.signal, error) ? interruption(controller.signal, false) : error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    cancel()
  }
}

/** What takes any signal, such as `readCredential`, calls every end of it an abort by the caller. */
function isAbortOf(signal: AbortSignal, error: unknown): boolean {
  return isLate(signal) && SecretsError.isInstance(error) && error.code === 'ABORTED' && error.effect === undefined
}

/**
 * Returns why a signal of `timedCall` ended the call. The caller's own reason is not read: it may
 * hold anything.
 *
 * @example
 * import { interruption } from '@finchat/secrets-core/http'
 *
 * console.log(interruption(AbortSignal.abort(), false).message) // the call was aborted
 */
export function interruption(signal: AbortSignal, sent: boolean): TransportError {
  if (isLate(signal)) {
    const remedy = 'see whether the server hangs, or give it more time: `timeoutMs`'
    return new TransportError('DEADLINE_EXCEEDED', 'no answer within the time limit', { remedy, sent })
  }
  if (signal.reason === 'closed') {
    return new TransportError('ABORTED', `${ownerOf(signal)} is closed`, { remedy: 'close it after the last use', sent })
  }
  return new TransportError('ABORTED', 'the call was aborted', { sent })
}

function ownerOf(signal: AbortSignal): string {
  const reason: unknown = ours.get(signal)?.closing.reason
  return typeof reason === 'string' ? reason : 'the provider'
}

/**
 * Returns whether the deadline of `timedCall` ended the call.
 *
 * @example
 * import { isLate } from '@finchat/secrets-core/http'
 *
 * console.log(isLate(new AbortController().signal)) // false
 */
export function isLate(signal: AbortSignal): boolean {
  return signal.reason === 'late'
}

/**
 * Throws the `interruption` if the signal has ended the call.
 *
 * @example
 * import { assertRunning } from '@finchat/secrets-core/http'
 *
 * assertRunning(new AbortController().signal) // goes on; assertRunning(AbortSignal.abort()) throws
 */
export function assertRunning(signal: AbortSignal): void {
  if (signal.aborted) throw interruption(signal, false)
}

/**
 * Settles as the promise does, or rejects when the signal ends the call. The promise continues.
 * `sent`: a request may reach the server.
 *
 * @example
 * import { untilEnded } from '@finchat/secrets-core/http'
 *
 * console.log(await untilEnded(Promise.resolve('answer'), new AbortController().signal)) // answer
 */
export async function untilEnded<T>(promise: Promise<T>, signal: AbortSignal, sent = false): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(interruption(signal, sent))
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([promise, ended])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Waits, or rejects when the signal ends the call.
 *
 * @example
 * import { pauseWithin } from '@finchat/secrets-core/http'
 *
 * await pauseWithin(5, new AbortController().signal)
 */
export async function pauseWithin(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, signal)
  assertRunning(signal)
}
