import { SecretsError } from '@finchat/secrets-core'
import { isBusy, lockedError } from './sqlite-errors.ts'

/** How long a call waits for a lock that another connection holds. */
export interface Patience {
  readonly signal: AbortSignal
  /** Milliseconds after which the call gives up with `UNAVAILABLE`, whatever its signal says. */
  readonly lockTimeoutMs: number
}

const longestPauseMs = 25

/**
 * The result of `attempt`, tried again as long as it fails for a lock that is held. SQLite's own busy timeout would stop
 * the event loop; this waits beside it, with jitter, so that two waiters do not collide again and again. Throws `ABORTED`
 * when the signal fires.
 */
export async function whileBusy<T>(attempt: () => T, { signal, lockTimeoutMs }: Patience): Promise<T> {
  const end = Date.now() + lockTimeoutMs
  for (let longest = 1; ; longest = Math.min(longest * 2, longestPauseMs)) {
    throwIfAborted(signal)
    try {
      return attempt()
    } catch (error) {
      if (!isBusy(error)) throw error
      if (Date.now() >= end) throw lockedError()
    }
    await pause(1 + Math.random() * longest, signal, 'the store is locked by another connection')
  }
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw aborted()
}

/** What `promise` settles to, or `ABORTED` as soon as the signal fires; the promise itself goes on. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal, meanwhile: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(aborted(meanwhile))
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

async function pause(milliseconds: number, signal: AbortSignal, meanwhile: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await unlessAborted(over, signal, meanwhile).finally(() => clearTimeout(timer))
}

function aborted(meanwhile?: string): SecretsError {
  return new SecretsError('ABORTED', meanwhile ? `the call was aborted while ${meanwhile}` : 'the call was aborted')
}
