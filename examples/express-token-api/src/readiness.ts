// To copy: whether the secrets that the service needs can be read. The log names one that cannot, once.
import type { SecretsManager } from '@finchat/secrets-core'
import { canServe } from '@finchat/secrets-core/live'

export interface Counts {
  readonly ok: boolean
  readonly stale: number
  readonly degraded: number
  readonly failed: number
}

/** The counts are for a probe: names and reasons are for the log alone. */
export function readiness(secrets: SecretsManager, needed: readonly string[]): () => Promise<Counts> {
  const logged = new Set<string>()
  return async () => {
    const { secrets: states, ...counts } = await canServe(secrets, needed)
    for (const [name, state] of Object.entries(states)) {
      if (state.status === 'ok') logged.delete(name)
      else if (!logged.has(name)) {
        logged.add(name)
        console.error(state.message)
      }
    }
    return counts
  }
}
