import { SecretsError, type AuditEvent, type AuditTrail } from '@finchat/secrets-core'
import { untilAborted } from './faulty-provider.ts'

/** How an event fails to be recorded. `fail`: rejects with `AUDIT_FAILED`. `hang`: never answers, until the call's signal is aborted. */
export type AuditFault = 'fail' | 'hang'

export interface MemoryAuditTrailOptions {
  /** Decides for each event, by its phase or operation for example; `undefined` lets it pass. */
  readonly plan?: ((event: AuditEvent) => AuditFault | undefined) | undefined
}

export interface MemoryAuditTrail extends AuditTrail {
  /** What was acknowledged, in order. */
  readonly events: () => readonly AuditEvent[]
}

/**
 * An audit trail in this process, for tests: it keeps what it acknowledged, and fails where it is told to.
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
  return {
    specificationVersion: 'v1',
    record: async (event, { signal }) => {
      const fault = plan?.(event)
      if (fault === 'hang') await untilAborted(signal)
      if (fault === 'fail') throw new SecretsError('AUDIT_FAILED', 'the event was refused on purpose')
      events.push(Object.freeze({ ...event }))
    },
    close: async () => {},
    events: () => [...events],
  }
}
