import { afterEach, beforeEach, vi } from 'vitest'
import type { SecretProvider } from '../contract/provider.ts'
import { CircuitBreaker } from '../guard/circuit-breaker.ts'
import { guard, type GuardOptions } from '../guard/guard.ts'
import { OutageWarning } from '../guard/outage-warning.ts'

export interface GuardTrial {
  /** A guarded provider that has no secret unless its members say otherwise. */
  readonly guarded: (members: Partial<SecretProvider>, options?: Partial<GuardOptions>) => SecretProvider
  /** Ends the calls under way, as the manager's `close()` does. */
  readonly closeManager: () => void
}

/** Each test of the file begins with an open manager, on a clock that only the test moves, without warnings. */
export function guardTrial(): GuardTrial {
  let closing: AbortController
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 })
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    closing = new AbortController()
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })
  return {
    guarded: (members, options) => {
      const provider: SecretProvider = { specificationVersion: 'v1', name: 'p', get: async () => undefined, ...members }
      const parts = { circuit: new CircuitBreaker(), outage: new OutageWarning('p', true), closing: closing.signal }
      return guard(provider, { deadlineMs: 5_000, ...parts, ...options })
    },
    closeManager: () => closing.abort(),
  }
}
