import type { AuditRecord, AuditSink, CallContext } from '@finchat/secrets-core'

/** A call that nobody gives up on. */
export const unhurried: CallContext = { signal: new AbortController().signal }

export function write(sink: AuditSink, record: AuditRecord): Promise<void> {
  return sink.write(Object.freeze(record), unhurried)
}

export async function close(sink: AuditSink): Promise<void> {
  await sink.close?.(unhurried)
}
