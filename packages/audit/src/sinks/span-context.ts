/** As `Context` of `@opentelemetry/api`. */
export interface SpanContext {
  readonly getValue: (key: symbol) => unknown
  readonly setValue: (key: symbol, value: unknown) => SpanContext
  readonly deleteValue: (key: symbol) => SpanContext
}

/** The key under which `@opentelemetry/api` keeps a context's span: a registered symbol, the same in every copy of it. */
const spanKey = Symbol.for('OpenTelemetry Context Key SPAN')

/** Sampled: a log record of an audit trail is not one to be dropped with its trace. */
const traceFlags = 1

/** A context in which nothing is but the identity of a span, to which the log record is tied. */
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
