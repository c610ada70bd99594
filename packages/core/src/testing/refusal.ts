import { SecretsError } from '../errors/secrets-error.ts'

/** What the call rejects with; throws where it resolves, or rejects with anything else than a `SecretsError`. */
export async function refusal(call: Promise<unknown> | undefined): Promise<SecretsError> {
  const reason: unknown = await call?.then(
    (answer) => new Error(`answered ${String(answer)}`),
    (error: unknown) => error,
  )
  if (!SecretsError.isInstance(reason)) throw reason
  return reason
}

/** What the function throws; throws itself where that returns, or throws anything else than a `SecretsError`. */
export function failureOf(run: () => unknown): SecretsError {
  let reason: unknown = new Error('returned')
  try {
    run()
  } catch (error) {
    reason = error
  }
  if (!SecretsError.isInstance(reason)) throw reason
  return reason
}
