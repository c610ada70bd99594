import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  type Attributes,
  context,
  type Context,
  type Meter,
  type SpanOptions,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api'
import type { FallbackMessage, TraceMessage, TraceStep } from '@finchat/secrets-core'
import { prefix } from './metrics/catalogue.ts'
import { attribute, errorType, operationName } from './shared/attributes.ts'
import type { NameText } from './shared/names.ts'
import { quietly } from './shared/quietly.ts'

export interface OperationsOptions {
  /** Other managers' messages are not for this observer. */
  readonly manager: symbol
  readonly meter: Meter
  readonly tracer: Tracer
  readonly nameText: NameText
  readonly common: Attributes
}

/** Seconds: from a store in this process to the deadline of a slow one. */
const boundaries = [0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** What core publishes. Not `finchat.secrets.get`: that would turn the fast path of reads off. */
interface Messages {
  readonly 'finchat.secrets.operation': TraceMessage
  readonly 'tracing:finchat.secrets.refresh:asyncEnd': TraceMessage
  readonly 'finchat.secrets.fallback': FallbackMessage
}

/** Records each operation when it ends. Returns the function that unsubscribes. */
export function observeOperations({ manager, meter, tracer, nameText, common }: OperationsOptions): () => void {
  const durations = meter.createHistogram(`${prefix}operation.duration`, {
    unit: 's',
    description: 'Duration of operations on secrets',
    advice: { explicitBucketBoundaries: boundaries },
  })
  const fallbacks = meter.createCounter(`${prefix}fallbacks`, {
    unit: '{fallback}',
    description: 'Reads for which a provider could not be asked',
  })
  const operationEnded = (message: TraceMessage): void => {
    const attributes = { ...common, ...operationAttributes(message) }
    durations.record((message.durationMs ?? 0) / 1000, attributes)
    if (isTraced(message)) recordSpan(tracer, message, { ...attributes, ...spanAttributes(message, nameText) })
  }
  const fellBack = ({ provider, code, answer }: FallbackMessage): void =>
    fallbacks.add(1, { ...common, [attribute.provider]: provider, [attribute.error]: errorType(code), [attribute.answer]: answer })
  const ends = [
    listen('finchat.secrets.operation', manager, operationEnded),
    listen('tracing:finchat.secrets.refresh:asyncEnd', manager, operationEnded),
    listen('finchat.secrets.fallback', manager, fellBack),
  ]
  return () => {
    for (const end of ends) end()
  }
}

/** What a listener throws would end the process. */
function listen<Channel extends keyof Messages>(channel: Channel, manager: symbol, hear: (message: Messages[Channel]) => void): () => void {
  const listener = (given: unknown): void => {
    const message = given as Messages[Channel] // what core publishes there
    if (message.manager === manager) quietly(() => hear(message))
  }
  subscribe(channel, listener)
  return () => void unsubscribe(channel, listener)
}

/** Of a bounded number of values: never the name of a secret. */
function operationAttributes({ operation, provider, from, stale, degraded, matched, code }: TraceMessage): Attributes {
  return {
    [attribute.operation]: operationName(operation),
    ...(provider !== undefined && { [attribute.provider]: provider }),
    ...(from !== undefined && { [attribute.source]: from }),
    ...(stale === true && { [attribute.stale]: true }),
    ...(degraded === true && { [attribute.degraded]: true }),
    ...(matched !== undefined && { [attribute.matched]: matched }),
    ...(code !== undefined && { [attribute.error]: errorType(code) }),
  }
}

function spanAttributes({ name, version, steps }: TraceMessage, nameText: NameText): Attributes {
  const text = nameText(name)
  return {
    ...(text !== undefined && { [attribute.secret]: text }),
    ...(version !== undefined && { [attribute.version]: version }),
    ...(steps !== undefined && steps.length > 0 && { [attribute.steps]: steps.map(stepText) }),
  }
}

function stepText({ provider, code, durationMs }: TraceStep): string {
  return `${provider} ${errorType(code) ?? 'ok'} ${durationMs} ms`
}

/** In an outage memory may answer a hundred thousand reads a second: they are in the histogram alone. */
function isTraced({ from, code }: TraceMessage): boolean {
  return from !== 'memory' || code !== undefined
}

/** A span is made when its operation has ended: its attributes are all known to samplers. */
function recordSpan(tracer: Tracer, { operation, code, durationMs = 0 }: TraceMessage, attributes: Attributes): void {
  const endTime = Date.now()
  const active = context.active()
  const options: SpanOptions = { kind: SpanKind.INTERNAL, startTime: endTime - durationMs, attributes }
  const isRefresh = operation === 'refresh'
  const span = tracer.startSpan(`finchat.secrets.${operationName(operation)}`, isRefresh ? apart(options, active) : options, active)
  const error = errorType(code)
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error })
  span.end(endTime)
}

/** A refresh outlasts the request whose read began it, so it is linked to that and no part of it. */
function apart(options: SpanOptions, active: Context): SpanOptions {
  const spanContext = trace.getSpanContext(active)
  return { ...options, root: true, ...(spanContext !== undefined && { links: [{ context: spanContext }] }) }
}
