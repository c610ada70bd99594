import { channel, type Channel, tracingChannel, type TracingChannel } from 'node:diagnostics_channel'

/** A provider that a read came to. Without a code it answered. */
export interface TraceStep {
  readonly provider: string
  readonly code?: string | undefined
  readonly durationMs: number
}

/**
 * What subscribers of `finchat.secrets.get`, `.write`, `.refresh` (tracing channels) and
 * `.fallback` (a plain channel) receive. Never a value. Members are filled in as they become known,
 * and complete when the operation ends.
 */
export interface TraceMessage {
  readonly operation: string
  /** The logical name; for `refresh` the store's path. */
  readonly name: string
  provider?: string | undefined
  version?: number | undefined
  revision?: string | undefined
  from?: 'memory' | 'shared' | 'store' | undefined
  stale?: boolean | undefined
  degraded?: boolean | undefined
  matched?: 'current' | 'previous' | 'none' | undefined
  /** A lease, issued to this process alone. */
  exclusive?: boolean | undefined
  code?: string | undefined
  /** Of a read that its fast path does not answer, in the order of the chain. */
  steps?: readonly TraceStep[] | undefined
  readonly actor?: string | undefined
  readonly requestId?: string | undefined
}

export interface Tracing {
  readonly get: TracingChannel<TraceMessage>
  readonly write: TracingChannel<TraceMessage>
  readonly refresh: TracingChannel<TraceMessage>
  readonly fallback: Channel
}

export function tracing(): Tracing {
  return {
    get: tracingChannel('finchat.secrets.get'),
    write: tracingChannel('finchat.secrets.write'),
    refresh: tracingChannel('finchat.secrets.refresh'),
    fallback: channel('finchat.secrets.fallback'),
  }
}

/** Runs `run` inside the channel's events. */
export async function traced<T>(on: TracingChannel<TraceMessage>, message: TraceMessage, run: () => Promise<T>): Promise<T> {
  if (!on.hasSubscribers) return run()
  // tracePromise puts what the promise resolves to on the message: a value must not pass through it.
  const outcome: { result?: T } = {}
  await on.tracePromise(async () => {
    outcome.result = await run()
  }, message)
  return outcome.result as T // set, since tracePromise has resolved
}
