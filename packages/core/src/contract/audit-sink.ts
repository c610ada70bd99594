import type { AuditRecord } from './audit-record.ts'
import type { PartHealth } from './audit.ts'
import type { CallContext } from './provider.ts'

/**
 * The destination of an audit trail's records: a plain object. `testAuditSink` of the testkit
 * checks one.
 *
 * @example
 * import type { AuditSink } from '@finchat/secrets-core'
 *
 * const lines: string[] = []
 * const sink: AuditSink = {
 *   specificationVersion: 'v1',
 *   name: 'lines',
 *   write: async ({ seq, operation, name }) => void lines.push(JSON.stringify([seq, operation, name])),
 * }
 * console.log(sink.name, lines.length) // lines 0
 */
export interface AuditSink {
  readonly specificationVersion: 'v1'
  /** Unique in a trail; shown in errors and warnings. */
  readonly name: string
  /**
   * An acknowledged record survives a crash and a loss of power. Such a sink is required by
   * default.
   */
  readonly durable?: boolean | undefined
  /**
   * Resolves when the record is acknowledged; only then does the value leave. Rejects if it may be
   * lost, with any error; the remedy of a `SecretsError` is shown. Called in the order of `seq`
   * (except a `gap`), before earlier calls settle. Records are frozen. The signal aborts when the
   * trail stops waiting.
   */
  readonly write: (record: AuditRecord, context: CallContext) => Promise<void>
  /**
   * What it depends on beside its `write`, which the trail watches itself, such as the place of its
   * checkpoints. Returns at once.
   */
  readonly health?: (() => Readonly<Record<string, PartHealth>>) | undefined
  /** Resolves when every acknowledged record is safe. May be called twice; no write follows. */
  readonly close?: ((context: CallContext) => Promise<void>) | undefined
}
