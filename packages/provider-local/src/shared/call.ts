import { SecretsError } from '@finchat/secrets-core'

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw aborted()
}

/** Rejects with `ABORTED` when the signal fires; the promise itself continues. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal, meanwhile: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(aborted(meanwhile))
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function aborted(meanwhile?: string): SecretsError {
  return new SecretsError('ABORTED', meanwhile ? `the call was aborted while ${meanwhile}` : 'the call was aborted')
}

/** `next` is what the caller does after the error's own remedy. */
export function withEffect(error: SecretsError, effect: 'done' | 'unknown', next: string, problem: string = error.problem): SecretsError {
  return new SecretsError(error.code, problem, { effect, remedy: error.remedy === undefined ? next : `${error.remedy}; ${next}` })
}
