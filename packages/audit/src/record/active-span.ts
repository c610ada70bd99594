/** W3C trace context: 32 and 16 hex digits. */
export interface ActiveSpan {
  readonly traceId: string
  readonly spanId: string
}

/**
 * The part of what `@opentelemetry/api` registers that is used here; the package need not exist.
 */
interface OpenTelemetryApi {
  readonly context?: { readonly active?: () => { readonly getValue?: (key: symbol) => unknown } }
}

const apiKey = Symbol.for('opentelemetry.js.api.1')
const spanKey = Symbol.for('OpenTelemetry Context Key SPAN')
const allZeros = /^0+$/

/** The caller's active OpenTelemetry span, if there is one. Never throws. */
export function activeSpan(): ActiveSpan | undefined {
  const api: OpenTelemetryApi | undefined = Reflect.get(globalThis, apiKey)
  if (api === undefined) return undefined
  try {
    return asSpan(api.context?.active?.().getValue?.(spanKey))
  } catch {
    return undefined
  }
}

function asSpan(span: unknown): ActiveSpan | undefined {
  if (typeof span !== 'object' || span === null || !('spanContext' in span) || typeof span.spanContext !== 'function') return undefined
  const context: unknown = span.spanContext()
  if (typeof context !== 'object' || context === null || !('traceId' in context) || !('spanId' in context)) return undefined
  const { traceId, spanId } = context
  return isId(traceId, 32) && isId(spanId, 16) ? { traceId, spanId } : undefined
}

function isId(id: unknown, digits: number): id is string {
  return typeof id === 'string' && id.length === digits && /^[0-9a-f]+$/.test(id) && !allZeros.test(id)
}
