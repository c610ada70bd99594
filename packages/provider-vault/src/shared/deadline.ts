import { TransportError } from './transport-error.ts'

type Reason = 'aborted' | 'late' | 'closed'

/** `setTimeout` fires at once for more (Node.js documentation, timers). */
export const longestTimerMs: number = 2 ** 31 - 1

/** Whose signals end a call. */
export interface Bounds {
  readonly timeoutMs: number
  /** The caller's. */
  readonly signal?: AbortSignal | undefined
  /** Aborted when the provider closes. */
  readonly closing: AbortSignal
}

/** Signals of calls that are under way here, and what ends each: why one ends is known, and holds for what is part of the call. */
const ours = new WeakMap<AbortSignal, Bounds>()

/**
 * Runs under one signal that ends with the caller's, with the provider, or at the deadline; the timer holds the process, as the call does. The
 * call itself tells what became of it, for it knows what was sent: core's `bounded`, which answers in its stead, would not.
 */
export function bounded<T>(bounds: Bounds, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { timeoutMs, signal, closing } = bounds
  const whole = signal && ours.get(signal)
  // Part of a call that ends no later than this would: that one's signal does for both.
  const isCovered = whole !== undefined && whole.timeoutMs <= timeoutMs && whole.closing === closing
  if (signal === undefined || !isCovered) return timed(bounds, run)
  return signal.aborted ? Promise.reject(interruption(signal, false)) : run(signal)
}

async function timed<T>(bounds: Bounds, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { timeoutMs, signal, closing } = bounds
  const controller = new AbortController()
  ours.set(controller.signal, bounds)
  const end = (reason: Reason) => (): void => controller.abort(reason)
  const onAbort = (): void => controller.abort(signal && ours.has(signal) ? signal.reason : 'aborted')
  const onClose = end('closed')
  const calls = endedBy(closing)
  if (signal?.aborted) onAbort()
  if (closing.aborted) onClose()
  const timer = setTimeout(end('late'), timeoutMs)
  signal?.addEventListener('abort', onAbort)
  calls.add(onClose)
  try {
    assertRunning(controller.signal)
    return await run(controller.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    calls.delete(onClose)
  }
}

type End = () => void

const running = new WeakMap<AbortSignal, Set<End>>()

/** What ends the calls that run, by one listener: a signal keeps its own in a list, where each would be looked for among those of all calls. */
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

/** Why a signal of `bounded` ended the call. The caller's own reason is not looked at: it may hold anything. */
export function interruption(signal: AbortSignal, sent: boolean): TransportError {
  if (isLate(signal)) {
    const remedy = 'see whether the server hangs, or give it more time: `timeoutMs`'
    return new TransportError('DEADLINE_EXCEEDED', 'no answer within the time limit', { remedy, sent })
  }
  if (signal.reason === 'closed') {
    return new TransportError('ABORTED', 'the Vault provider is closed', { remedy: 'close it after the last use', sent })
  }
  return new TransportError('ABORTED', 'the call was aborted', { sent })
}

/** Whether a signal of `bounded` ended the call at its deadline. */
export function isLate(signal: AbortSignal): boolean {
  return signal.reason === 'late'
}

export function assertRunning(signal: AbortSignal): void {
  if (signal.aborted) throw interruption(signal, false)
}

/** Settles as the promise, unless the signal is first; the promise goes on. `sent`: it may be a request that reaches the server. */
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

/** Waits, or rejects as soon as the signal ends the call. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await untilEnded(promise, signal).finally(() => clearTimeout(timer))
}
