import type { AuditSink } from '@finchat/secrets-core'

/** A sink, and whether a value may leave without its acknowledgement. */
export interface TrailSink {
  readonly sink: AuditSink
  readonly required: boolean
}

/**
 * No value leaves unless this sink acknowledged. It is the default of durable sinks.
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
 * Values leave whatever this sink says, once the others have acknowledged. It is the default of sinks that are not durable.
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
