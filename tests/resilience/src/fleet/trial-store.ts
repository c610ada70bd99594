import { setTimeout as sleep } from 'node:timers/promises'
import { type SecretProvider, SecretsError } from '@finchat/secrets-core'

const latencyMs = 5

/**
 * One store in this process, which many providers read and write, each as a process of a fleet
 * would.
 */
export class TrialStore {
  readonly #secrets = new Map<string, { readonly version: number; readonly value: string }>()
  /** When it was last written to, by `performance.now()`. */
  writtenAt: number = -Infinity

  provider(): SecretProvider {
    return {
      specificationVersion: 'v1',
      name: 'store',
      sharedAs: 'trial-store',
      get: async (path) => {
        await sleep(latencyMs)
        return this.#secrets.get(path)
      },
      put: async (path, { value, version }) => {
        await sleep(latencyMs)
        const next = (this.#secrets.get(path)?.version ?? 0) + 1
        if (version !== undefined && version !== next) throw new SecretsError('VERSION_CONFLICT', `the next version is ${next}`)
        this.#secrets.set(path, { version: next, value: String(value) })
        this.writtenAt = performance.now()
        return { version: next }
      },
    }
  }
}
