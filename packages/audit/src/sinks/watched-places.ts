import type { AuditSink, PartHealth } from '@finchat/secrets-core'
import { PartTracker, SecretsError } from '@finchat/secrets-core/provider'

/** The place of a folder's checkpoints, by the folder's name. */
export type PlaceOf = (name: string) => AuditSink

/** The places of checkpoints, and whether the last takes them: no record waits for one, so nothing else shows that. */
export function watchedPlaces(placeOf: PlaceOf): { readonly to: PlaceOf; readonly health: () => PartHealth } {
  const tracker = new PartTracker()
  const known = new Map<AuditSink, AuditSink>() // a sink that takes those of all folders is closed once
  const to: PlaceOf = (name) => {
    const place = placeOf(name)
    const watching = known.get(place) ?? watched(place, tracker)
    known.set(place, watching)
    return watching
  }
  return { to, health: () => tracker.health() }
}

function watched(place: AuditSink, tracker: PartTracker): AuditSink {
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
  return { specificationVersion: 'v1', name, durable, write, close: async (context) => place.close?.(context) }
}

function missing(why: string): string {
  return `a checkpoint is missing: ${why}`
}
