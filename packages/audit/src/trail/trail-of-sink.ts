import type { AuditSink } from '@finchat/secrets-core'

type IdOfTrail = () => string | undefined

/** A sink is an object of its user, who may show it. */
const idOf = new WeakMap<AuditSink, IdOfTrail>()

/** Notes which trail the sink writes to: its folder's id, if that can be read. */
export function writesTo(sink: AuditSink, id: IdOfTrail): AuditSink {
  idOf.set(sink, id)
  return sink
}

export function trailsOf(sinks: readonly AuditSink[]): readonly string[] {
  return sinks.flatMap((sink) => idOf.get(sink)?.() ?? [])
}
