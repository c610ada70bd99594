import type { AuditRecord, AuditSink } from '@finchat/secrets-core'
import { configurationError, knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { humanLine, type Severity, severityOf } from '../record/human-line.ts'
import { assertSinkName, refused } from '../record/errors.ts'

/** The argument of `Logger.emit` in `@opentelemetry/api-logs`. */
export interface OpenTelemetryLogRecord {
  readonly eventName: string
  /** Seconds since 1970, and nanoseconds. */
  readonly timestamp: [number, number]
  readonly severityNumber: 9 | 13 | 17
  readonly severityText: 'INFO' | 'WARN' | 'ERROR'
  /** The human line. */
  readonly body: string
  readonly attributes: Record<string, string | number | boolean>
  readonly context?: SpanContext
}

/** The part of `Logger` in `@opentelemetry/api-logs` that is used; the package is not needed. */
export interface OpenTelemetryLogger {
  readonly emit: (record: OpenTelemetryLogRecord) => void
}

/** What `openTelemetrySink` takes beside the logger. */
export interface OpenTelemetrySinkOptions {
  /** Default: `opentelemetry`. */
  readonly name?: string | undefined
}

const members: MembersOf<OpenTelemetrySinkOptions> = { name: 'string' }

/**
 * Emits each record as an OpenTelemetry log record, in the span that asked for the secret. The event
 * is `finchat.secrets.audit`. The record's members are attributes `finchat.audit.*` in snake case;
 * `error.type` and `user.id` follow the semantic conventions. A record is acknowledged when `emit`
 * did not throw. Processors may drop it, so the sink is not durable. Throws `CONFIGURATION` for a
 * logger without `emit`.
 *
 * @example
 * import { openTelemetrySink } from '@finchat/secrets-audit'
 *
 * // logs.getLogger('secrets') of @opentelemetry/api-logs
 * const logger = { emit: (record: object) => console.error(record) }
 * console.log(openTelemetrySink(logger).name) // opentelemetry
 */
export function openTelemetrySink(logger: OpenTelemetryLogger, options: OpenTelemetrySinkOptions = {}): AuditSink {
  const { name = 'opentelemetry' } = knownOptions(options, members)
  assertSinkName(name)
  if (typeof logger !== 'object' || logger === null || typeof logger.emit !== 'function') {
    throw configurationError('the logger has no emit()', "pass logs.getLogger('…') of @opentelemetry/api-logs")
  }
  return { specificationVersion: 'v1', name, write: async (record) => emit(logger, record) }
}

function emit(logger: OpenTelemetryLogger, record: AuditRecord): void {
  try {
    logger.emit(asLogRecord(record))
  } catch (error) {
    throw refused('the logger threw', 'see its processors', error)
  }
}

const severities = {
  info: { severityNumber: 9, severityText: 'INFO' },
  warn: { severityNumber: 13, severityText: 'WARN' },
  error: { severityNumber: 17, severityText: 'ERROR' },
} as const satisfies Record<Severity, object>

function asLogRecord(record: AuditRecord): OpenTelemetryLogRecord {
  const { time, traceId, spanId } = record
  const seconds = Math.floor(time / 1000)
  return {
    eventName: 'finchat.secrets.audit',
    timestamp: [seconds, Math.round((time - seconds * 1000) * 1e6)],
    ...severities[severityOf(record)],
    body: humanLine(record),
    attributes: attributesOf(record),
    ...(traceId !== undefined && spanId !== undefined && { context: spanContext(traceId, spanId) }),
  }
}

function attributesOf(record: AuditRecord): Record<string, string | number | boolean> {
  const { code, actor } = record
  const attributes = Object.entries(record).map(([member, value]) => [`finchat.audit.${inSnakeCase(member)}`, value])
  const known = [...attributes, ['error.type', code], ['user.id', actor]]
  return Object.fromEntries(known.filter(([, value]) => value !== undefined))
}

function inSnakeCase(member: string): string {
  return member.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** `Context` of `@opentelemetry/api`. */
export interface SpanContext {
  readonly getValue: (key: symbol) => unknown
  readonly setValue: (key: symbol, value: unknown) => SpanContext
  readonly deleteValue: (key: symbol) => SpanContext
}

/**
 * Where `@opentelemetry/api` keeps a context's span: a registered symbol, the same in every copy.
 */
const spanKey = Symbol.for('OpenTelemetry Context Key SPAN')

/** Sampled: an audit record must not be dropped with its trace. */
const traceFlags = 1

/** A context that holds only a span's identity. */
export function spanContext(traceId: string, spanId: string): SpanContext {
  return contextOf(new Map([[spanKey, { spanContext: () => ({ traceId, spanId, traceFlags }) }]]))
}

function contextOf(values: ReadonlyMap<symbol, unknown>): SpanContext {
  return {
    getValue: (key) => values.get(key),
    setValue: (key, value) => contextOf(new Map([...values, [key, value]])),
    deleteValue: (key) => contextOf(new Map([...values].filter(([other]) => other !== key))),
  }
}
