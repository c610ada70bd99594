import { channel, type Channel, tracingChannel, type TracingChannel } from 'node:diagnostics_channel'
import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** A provider that a read came to. Without a code it answered. */
export interface TraceStep {
  readonly provider: string
  readonly code?: string | undefined
  readonly durationMs: number
}

/**
 * What subscribers of the tracing channels `finchat.secrets.get`, `.write` and `.refresh` receive,
 * and of the channel `.operation`, which has each operation at its end. Never a value. Members are
 * filled in as they become known, and complete when the operation ends.
 */
export interface TraceMessage {
  /** The same in every message of one manager, and in its `managerStatus`. */
  readonly manager: symbol
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
  /** Of the whole operation, by the monotonic clock. */
  durationMs?: number | undefined
  /** Of a read that its fast path does not answer, in the order of the chain. */
  steps?: readonly TraceStep[] | undefined
  readonly actor?: string | undefined
  readonly requestId?: string | undefined
}

/** What subscribers of `finchat.secrets.fallback` receive. */
export interface FallbackMessage extends Pick<TraceMessage, 'manager' | 'name'> {
  readonly provider: string
  readonly code: SecretsErrorCode
  /** Its last answer is served, or the next provider is asked. */
  readonly answer: 'stale' | 'next'
}

export interface Tracing {
  readonly manager: symbol
  readonly get: TracingChannel<TraceMessage>
  readonly write: TracingChannel<TraceMessage>
  readonly refresh: TracingChannel<TraceMessage>
  readonly fallback: Channel
  /** At its end, each operation but a read that a fresh value in memory answered: it costs those nothing. */
  readonly operation: Channel
}

export function tracing(): Tracing {
  return {
    manager: Symbol('a secrets manager'),
    get: tracingChannel('finchat.secrets.get'),
    write: tracingChannel('finchat.secrets.write'),
    refresh: tracingChannel('finchat.secrets.refresh'),
    fallback: channel('finchat.secrets.fallback'),
    operation: channel('finchat.secrets.operation'),
  }
}

/** Runs `run` inside the channel's events. */
export async function traced<T>(on: TracingChannel<TraceMessage>, message: TraceMessage, run: () => Promise<T>): Promise<T> {
  if (!on.hasSubscribers) return run()
  // tracePromise puts what the promise resolves to on the message: a value must not pass through it.
  const outcome: { result?: T } = {}
  const begunAt = performance.now()
  await on.tracePromise(async () => {
    try {
      outcome.result = await run()
    } finally {
      message.durationMs = performance.now() - begunAt
    }
  }, message)
  return outcome.result as T // set, since tracePromise has resolved
}

/** A background refresh of a store's path. No operation records its failure, so this does. */
export function tracedRefresh<T>(
  { manager, refresh }: Pick<Tracing, 'manager' | 'refresh'>,
  path: string,
  provider: string,
  run: () => Promise<T>,
): Promise<T> {
  const message: TraceMessage = { manager, operation: 'refresh', name: path, provider, code: undefined }
  const coded = (error: unknown): never => {
    message.code = SecretsError.isInstance(error) ? error.code : 'INTERNAL'
    throw error
  }
  return traced(refresh, message, () => run().catch(coded))
}
