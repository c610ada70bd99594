import type { AuditSink } from '@finchat/secrets-core'

/** A sink, and whether a value waits for its acknowledgement. */
export interface TrailSink {
  readonly sink: AuditSink
  readonly required: boolean
}

/**
 * No value is returned unless this sink acknowledged. The default for durable sinks.
 *
 * @example
 * import { required } from '@finchat/secrets-audit'
 *
 * const stdout = { specificationVersion: 'v1', name: 'stdout', write: async () => {} } as const
 * console.log(required(stdout).required) // true
 */
export function required(sink: AuditSink): TrailSink {
  return { sink, required: true }
}

/**
 * Values do not wait for this sink once another has acknowledged. The default for sinks that are
 * not durable.
 *
 * @example
 * import { bestEffort } from '@finchat/secrets-audit'
 *
 * const stdout = { specificationVersion: 'v1', name: 'stdout', write: async () => {} } as const
 * console.log(bestEffort(stdout).required) // false
 */
export function bestEffort(sink: AuditSink): TrailSink {
  return { sink, required: false }
}
