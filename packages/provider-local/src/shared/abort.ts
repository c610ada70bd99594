import { SecretsError } from '@finchat/secrets-core'

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

function aborted(meanwhile?: string): SecretsError {
  return new SecretsError('ABORTED', meanwhile ? `the call was aborted while ${meanwhile}` : 'the call was aborted')
}
