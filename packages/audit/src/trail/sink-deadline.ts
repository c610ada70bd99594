import type { CallContext } from '@finchat/secrets-core'

/**
 * What a trail tells its sinks beside the contract: a sink of ours says why it cannot answer before
 * it is cut off.
 */
export interface TimedContext extends CallContext {
  /** When the trail stops waiting, by `performance.now()`; to be read when the sink is called. */
  readonly deadlineAt: number
}

/** Who calls a sink without a trail waits for ever. */
export function deadlineOf(context: CallContext | undefined): number {
  return context !== undefined && 'deadlineAt' in context && typeof context.deadlineAt === 'number' ? context.deadlineAt : Infinity
}
