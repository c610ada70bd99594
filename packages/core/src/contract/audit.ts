import type { SecretsErrorCode } from './error-codes.ts'
import type { Call, CallContext } from './provider.ts'
import type { SinkStatus } from './status.ts'

/** A step of a rotation at the place where the secret is set, such as a database. */
export type TargetOperation = 'apply' | 'test' | 'rollback' | 'retire'

/** An operation of the manager, as its trail and its tracing name it. Others may be added. */
export type AuditedOperation =
  | 'get'
  | 'verify'
  | 'describe'
  | 'list'
  | 'health'
  | 'store'
  | 'rotate'
  | 'delete'
  | 'restore'
  | 'tag'
  | 'stage'
  | 'promote'
  | 'discard'
  | TargetOperation

/** One event of an operation: its intent, or its outcome. Times are epoch milliseconds. */
export interface AuditEvent {
  /** `intent` before a write, deletion or lease, `outcome` after it; a read has only an outcome. */
  readonly phase: 'intent' | 'outcome'
  readonly time: number
  readonly operation: string
  readonly name: string
  readonly provider?: string | undefined
  readonly version?: number | undefined
  readonly revision?: string | undefined
  readonly outcome?: 'ok' | 'error' | undefined
  readonly code?: SecretsErrorCode | undefined
  readonly from?: 'memory' | 'shared' | 'store' | undefined
  readonly degraded?: boolean | undefined
  readonly stale?: boolean | undefined
  readonly matched?: 'current' | 'previous' | 'none' | undefined
  readonly durationMs?: number | undefined
  readonly actor?: string | undefined
  readonly requestId?: string | undefined
}

/** Whether a part beside the providers works, as its last call showed. Never with a value. */
export type PartHealth =
  /** `unchecked`: it was not used yet. */
  | { readonly status: 'ok' | 'unchecked' }
  | {
      readonly status: 'failed'
      /** Since when, epoch milliseconds. */
      readonly since: number
      readonly problem: string
      readonly remedy?: string | undefined
    }

/** A part of an audit trail: a sink, with its counts, or the place of its checkpoints, which has none. */
export type TrailPartHealth = PartHealth & Partial<SinkStatus>

/** Where a manager records its operations. */
export interface AuditTrail {
  readonly specificationVersion: 'v1'
  /**
   * Resolves when the event is acknowledged, else rejects. Called in the caller's async context.
   */
  readonly record: Call<[event: AuditEvent], void>
  /**
   * Its sinks, with what each refused, and the places of their checkpoints, by name. Returns at once,
   * and asks nothing.
   */
  readonly health?: (() => Readonly<Record<string, TrailPartHealth>>) | undefined
  readonly close?: ((context: CallContext) => Promise<void>) | undefined
}
