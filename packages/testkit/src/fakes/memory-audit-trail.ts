import { SecretsError, type AuditEvent, type AuditTrail } from '@finchat/secrets-core'
import { hang } from './faulty-provider.ts'

/** How recording fails. `fail`: rejects with `AUDIT_FAILED`. `hang`: hangs until the call's signal is aborted. */
export type AuditFault = 'fail' | 'hang'

/** Options of `memoryAuditTrail`. */
export interface MemoryAuditTrailOptions {
  /** Decides for each event, by its phase or operation for example; `undefined` lets it pass. */
  readonly plan?: ((event: AuditEvent) => AuditFault | undefined) | undefined
}

/** An audit trail that keeps its events in memory. */
export interface MemoryAuditTrail extends AuditTrail {
  /** The acknowledged events, in order. */
  readonly events: () => readonly AuditEvent[]
}

/**
 * An audit trail in memory, for tests. Keeps the events that it acknowledged, fails by plan, and refuses
 * events once it is closed.
 *
 * @example
 * import { memoryAuditTrail } from '@finchat/secrets-testkit'
 *
 * const trail = memoryAuditTrail({ plan: ({ phase }) => (phase === 'intent' ? 'fail' : undefined) })
 * const context = { signal: AbortSignal.timeout(1000) }
 * await trail.record({ phase: 'outcome', time: Date.now(), operation: 'get', name: 'api_key', outcome: 'ok' }, context)
 * console.log(trail.events().length, trail.events()[0]?.name) // 1 api_key
 */
export function memoryAuditTrail({ plan }: MemoryAuditTrailOptions = {}): MemoryAuditTrail {
  const events: AuditEvent[] = []
  let isClosed = false
  return {
    specificationVersion: 'v1',
    record: async (event, { signal }) => {
      const fault = plan?.(event)
      if (fault === 'hang') await hang(signal)
      if (isClosed) throw new SecretsError('ABORTED', 'the audit trail is closed', { remedy: 'close it after the last use' })
      if (fault === 'fail') throw new SecretsError('AUDIT_FAILED', 'the event was refused by an injected fault')
      events.push(Object.freeze({ ...event }))
    },
    close: async () => void (isClosed = true),
    events: () => [...events],
  }
}
