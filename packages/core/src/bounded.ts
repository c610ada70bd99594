import { ownMembers } from './own-members.ts'
import { SecretsError } from './secrets-error.ts'

/** The bounds of one call to something that may hang. */
export interface Bounds {
  readonly deadlineMs: number
  /** The caller's abort. */
  readonly signal?: AbortSignal | undefined
  /** Aborted when the manager gives up on what still runs at `close()`. */
  readonly closing: AbortSignal
}

/**
 * Settles as `run` does, or rejects with `DEADLINE_EXCEEDED` or `ABORTED`, whichever is first; then `run`'s signal is
 * aborted and what it does later is not looked at. The timer is ref'ed: a process never ends with this unsettled.
 */
export function bounded<T>(run: (signal: AbortSignal) => Promise<T>, bounds: Bounds): Promise<T> {
  const { deadlineMs, closing, signal: given } = ownMembers(bounds, ['deadlineMs', 'closing', 'signal'])
  // Calls of nobody in particular carry the closing signal alone.
  const signal = given === closing ? undefined : given
  if (closing.aborted) return Promise.reject(closed())
  if (signal?.aborted) return Promise.reject(aborted())
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const controller = new AbortController()
  const end = (error: SecretsError): void => {
    reject(error)
    controller.abort(error)
  }
  const onAbort = (): void => end(aborted())
  const onClose = (): void => end(closed())
  const timer = setTimeout(() => end(deadlineExceeded(deadlineMs)), deadlineMs)
  signal?.addEventListener('abort', onAbort)
  closing.addEventListener('abort', onClose)
  const settled = (): void => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    closing.removeEventListener('abort', onClose)
  }
  invoke(run, controller.signal).then(resolve, reject)
  return promise.finally(settled)
}

/** Settles as `promise` does, unless the caller's abort is first. The promise itself goes on. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  if (signal.aborted) {
    // A rejection that nobody hears would end the process.
    promise.catch(() => {})
    throw aborted()
  }
  const { promise: abort, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(aborted())
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([promise, abort])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

export function aborted(): SecretsError {
  return new SecretsError('ABORTED', "the caller's signal was aborted")
}

export function closed(): SecretsError {
  return new SecretsError('ABORTED', 'the secrets manager is closed', { remedy: 'close it after the last use' })
}

function deadlineExceeded(deadlineMs: number): SecretsError {
  return new SecretsError('DEADLINE_EXCEEDED', `no answer within ${deadlineMs} ms`)
}

/** A function that throws at once is as one that rejects. */
async function invoke<T>(run: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  return run(signal)
}
