import type { AuditSink, PartHealth } from '@finchat/secrets-core'
import { PartTracker, SecretsError } from '@finchat/secrets-core/provider'

/** The place of checkpoints, and whether it takes them: no record waits for it, so nothing else shows that. */
export function watchedPlace(place: AuditSink): { readonly to: AuditSink; readonly health: () => PartHealth } {
  const tracker = new PartTracker()
  const write: AuditSink['write'] = async (record, context) => {
    const late = (): void => tracker.failed(missing('its place did not answer in time'))
    context.signal.addEventListener('abort', late, { once: true })
    try {
      await place.write(record, context)
      tracker.answered()
    } catch (error) {
      if (SecretsError.isInstance(error)) tracker.failed(missing(error.problem), error.remedy)
      else tracker.failed(missing('its place failed with an error of its own'))
      throw error
    } finally {
      context.signal.removeEventListener('abort', late)
    }
  }
  const { name, durable } = place
  const to: AuditSink = { specificationVersion: 'v1', name, durable, write, close: async (context) => place.close?.(context) }
  return { to, health: () => tracker.health() }
}

function missing(why: string): string {
  return `a checkpoint is missing: ${why}`
}
