import type { SecretsManager } from '@finchat/secrets-core'
import { loadOnUse, pause } from '@finchat/secrets-core/provider'

/** Secrets that rotate together change within this time. */
const settleMs = 1_000
/** The least time between two reactions. */
const restMs = 5_000
/** How long until a reaction that did not succeed is tried again. */
const retryMs = 30_000

export interface FollowOptions {
  readonly signal: AbortSignal
  readonly intervalSeconds: number | undefined
}

/** Calls `react` after secrets have changed, until the signal; again later if it returns false. */
export async function followRotation(
  secrets: SecretsManager,
  names: Iterable<string>,
  { signal, intervalSeconds }: FollowOptions,
  react: () => Promise<boolean>,
): Promise<void> {
  const live = { what: 'the watch for rotations', name: '@finchat/secrets-core' }
  const { watchSecret } = await loadOnUse(live, () => import('@finchat/secrets-core/live'), 'watchSecret')
  if (signal.aborted) return
  let change = Promise.withResolvers<void>()
  for (const name of new Set(names)) watchSecret(secrets, name, { signal, intervalSeconds, onChange: () => change.resolve() })
  const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  for (;;) {
    await Promise.race([change.promise, ended])
    await pause(settleMs, signal)
    if (signal.aborted) return
    change = Promise.withResolvers<void>()
    const isDone = await react()
    await pause(isDone ? restMs : retryMs, signal)
    if (!isDone) change.resolve()
  }
}
