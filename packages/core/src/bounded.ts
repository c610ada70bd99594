import { promised } from './promised.ts'
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
  const { deadlineMs, closing } = bounds
  const given = Object.hasOwn(bounds, 'signal') ? bounds.signal : undefined
  // Calls of nobody in particular carry the closing signal alone.
  const signal = given === closing ? undefined : given
  if (closing.aborted) return Promise.reject(closed())
  if (signal?.aborted) return Promise.reject(aborted())
  return new Promise((resolve, reject) => {
    const controller = new AbortController()
    const end = (error: SecretsError): void => {
      release()
      reject(error)
      controller.abort(error)
    }
    const onAbort = signal && ((): void => end(aborted()))
    const onClose = (): void => end(closed())
    const timer = setTimeout(() => end(deadlineExceeded(deadlineMs)), deadlineMs)
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

/** Settles as `promise` does, unless the caller's abort is first. The promise itself goes on. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return signal === undefined ? promise : firstOf(promise, signal)
}

async function firstOf<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
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
