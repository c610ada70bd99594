import type { PartHealth } from '../contract/audit.ts'

/**
 * Remembers whether the last call of a part succeeded, and since when it fails.
 *
 * @example
 * import { PartTracker } from '@finchat/secrets-core/provider'
 *
 * const tracker = new PartTracker()
 * tracker.failed('nothing listens at its port', 'start the server')
 * console.log(tracker.health().status) // failed
 */
export class PartTracker {
  #isUsed = false
  #failure: Extract<PartHealth, { readonly status: 'failed' }> | undefined

  answered(): void {
    this.#isUsed = true
    this.#failure = undefined
  }

  failed(problem: string, remedy?: string): void {
    this.#failure = { status: 'failed', since: this.#failure?.since ?? Date.now(), problem, ...(remedy !== undefined && { remedy }) }
  }

  health(): PartHealth {
    return this.#failure ?? { status: this.#isUsed ? 'ok' : 'unchecked' }
  }
}
