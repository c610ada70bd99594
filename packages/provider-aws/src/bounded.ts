import { SecretsError } from '@finchat/secrets-core'

/** What ends a call. */
export interface Bounds {
  readonly signal: AbortSignal
  /** Aborted by `close`. */
  readonly closing: AbortSignal
  readonly timeoutMs: number
}

/**
 * Settles as `run` does, or rejects with `ABORTED` or `DEADLINE_EXCEEDED`, whichever is first; then the signal that `run` got is aborted, and
 * what it does later is not looked at. So a call ends even where the SDK does not: in a credential source, or in the middle of a body.
 */
export function bounded<T>(run: (signal: AbortSignal) => Promise<T>, { signal, closing, timeoutMs }: Bounds): Promise<T> {
  if (closing.aborted) return Promise.reject(closed())
  if (signal.aborted) return Promise.reject(aborted())
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const controller = new AbortController()
  const end = (error: SecretsError): void => {
    reject(error)
    controller.abort()
  }
  const [onAbort, onClose] = [(): void => end(aborted()), (): void => end(closed())]
  // Ref'ed: a process never ends with a call unsettled.
  const timer = setTimeout(() => end(new SecretsError('DEADLINE_EXCEEDED', `no answer from AWS within ${timeoutMs} ms`)), timeoutMs)
  signal.addEventListener('abort', onAbort)
  const calls = endedBy(closing).add(onClose)
  const settled = (): void => {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    calls.delete(onClose)
  }
  run(controller.signal).then(resolve, reject)
  promise.then(settled, settled)
  return promise
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

function aborted(): SecretsError {
  return new SecretsError('ABORTED', 'the call was aborted')
}

function closed(): SecretsError {
  return new SecretsError('ABORTED', 'the AWS provider is closed')
}

/** Settles as `promise` does, unless the signal is aborted first. The promise itself goes on. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw aborted()
  const { promise: abort, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(aborted())
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([promise, abort])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
