import { setImmediate } from 'node:timers/promises'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { AlwaysOffSampler, AlwaysOnSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { memoryProvider } from '@finchat/secrets-testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { activeSpan, type ActiveSpan } from './active-span.ts'
import { auditTrail } from '../trail/audit-trail.ts'
import { openTelemetrySink } from '../sinks/open-telemetry-sink.ts'
import { trialSink, type TrialSink } from '../testing/trial-sink.ts'

/** OpenTelemetry's own packages, registered for the process as an application does it. */
function openTelemetry(sampler = new AlwaysOnSampler()): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(new TracerProvider({ sampler }))
}
afterEach(() => {
  context.disable()
  trace.disable()
})

/** Runs the work in a new span, as instrumentation does it. */
async function inSpan(name: string, work: () => Promise<unknown>): Promise<ActiveSpan> {
  return trace.getTracer('shop').startActiveSpan(name, async (span) => {
    await work()
    span.end()
    const { traceId, spanId } = span.spanContext()
    return { traceId, spanId }
  })
}

function audited(): { secrets: SecretsManager; sink: TrialSink; logs: InMemoryLogRecordExporter } {
  const [sink, logs] = [trialSink('memory'), new InMemoryLogRecordExporter()]
  const loggers = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: logs })] })
  const audit = auditTrail({ sinks: [sink, openTelemetrySink(loggers.getLogger('secrets'))] })
  return { secrets: createSecretsManager({ providers: [memoryProvider({ secrets: { token: 'x' } })], audit }), sink, logs }
}

const spansOf = ({ records }: TrialSink): object[] => records.map(({ traceId, spanId }) => ({ traceId, spanId }))

describe("a span of OpenTelemetry's own packages", () => {
  it('stands on the records of what is done in it, across turns, and on their log records', async () => {
    openTelemetry()
    const { secrets, sink, logs } = audited()
    const outer = await inSpan('request', async () => {
      await setImmediate()
      await secrets.getSecret('token')
    })
    await secrets.getSecret('token')
    expect(spansOf(sink)).toEqual([outer, { traceId: undefined, spanId: undefined }])
    expect(logs.getFinishedLogRecords().map(({ spanContext }) => spanContext?.spanId)).toEqual([outer.spanId, undefined])
    expect(logs.getFinishedLogRecords()[0]?.spanContext).toMatchObject(outer)
  })

  it('is the innermost, and of each caller its own', async () => {
    openTelemetry()
    const { secrets, sink } = audited()
    const one = inSpan('one', () => secrets.getSecret('token'))
    const other = inSpan('other', () => inSpan('inner', () => secrets.rotateSecret('token', 'y')))
    await Promise.all([one, other])
    const ids = sink.records.map(({ traceId, spanId, operation, phase }) => ({ traceId, spanId, operation, phase }))
    expect(ids.find(({ operation }) => operation === 'get')).toMatchObject(await one)
    const rotation = ids.filter(({ operation }) => operation === 'rotate')
    expect(rotation.map(({ phase, traceId }) => [phase, traceId])).toEqual([
      ['intent', (await other).traceId],
      ['outcome', (await other).traceId],
    ])
    expect(rotation[0]?.spanId).toBe(rotation[1]?.spanId)
    expect(rotation[0]?.spanId).not.toBe((await other).spanId)
  })

  it('stands on the record whether the trace is sampled or not', async () => {
    openTelemetry(new AlwaysOffSampler())
    const { secrets, sink } = audited()
    const span = await inSpan('request', () => secrets.getSecret('token'))
    expect(spansOf(sink)).toEqual([span])
  })

  it('is none where OpenTelemetry is there and nobody set it up', () => {
    expect(trace.getActiveSpan()).toBeUndefined()
    expect(activeSpan()).toBeUndefined()
  })
})
