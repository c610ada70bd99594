import type { SecretProvider } from '../contract/provider.ts'
import type { CircuitBreaker } from '../guard/circuit-breaker.ts'
import type { Tracing } from '../observe/trace-channels.ts'
import type { Zeroizer } from '../value/zeroizer.ts'
import type { MemoryCache } from './entries.ts'
import type { Lifetimes } from './freshness.ts'
import type { OwnWrites, Refusals } from './path-history.ts'
import type { SharedCacheClient } from './shared/shared-cache-client.ts'
import type { VerifiedAccess } from './shared/verified-access.ts'
import type { Flights } from './single-flight.ts'

export interface FetchOptions extends Lifetimes {
  readonly maxEntries: number
  /** A call that takes longer was frozen with the process. */
  readonly deadlineMs: number
  /** No read joins a call that takes longer, or waits for it in an outage. */
  readonly patientMs: number
  readonly circuit: Pick<CircuitBreaker, 'expected' | 'outage' | 'recoveredAt' | 'rest'>
  readonly shared: SharedCacheClient | undefined
  readonly requireOwnAccess?: boolean | undefined
  readonly zeroizer: Zeroizer
  readonly tracing: Pick<Tracing, 'manager' | 'refresh'>
  readonly closing: AbortSignal
}

export type Right = 'read' | 'describe'

export interface FetcherParts {
  readonly provider: SecretProvider
  readonly options: FetchOptions
  readonly memory: MemoryCache
  readonly flights: Flights
  readonly refusals: Refusals
  readonly writes: OwnWrites
  /** Undefined without a shared cache. */
  readonly access: VerifiedAccess | undefined
}
