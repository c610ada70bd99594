import { SecretsError } from '../errors/secrets-error.ts'

/** The most that a file of one secret may hold, in bytes. Kubernetes and AWS hold a secret to the same order. */
export const maxSecretFileBytes = 65_536

export function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new SecretsError('ABORTED', 'the call was aborted')
}
