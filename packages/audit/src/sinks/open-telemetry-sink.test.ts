import { trace } from '@opentelemetry/api'
import type { Logger } from '@opentelemetry/api-logs'
import { InMemoryLogRecordExporter, LoggerProvider, type ReadableLogRecord, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { leaksOf } from '@finchat/secrets-testkit'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { aRecord, hostileTexts } from '../testing/sample-records.ts'
import { write } from '../testing/sink-calls.ts'
import { type OpenTelemetryLogger, openTelemetrySink, spanContext } from './open-telemetry-sink.ts'

async function emitted(...records: Parameters<typeof write>[1][]): Promise<ReadableLogRecord[]> {
  const exporter = new InMemoryLogRecordExporter()
  const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
  const sink = openTelemetrySink(provider.getLogger('secrets'))
  for (const record of records) await write(sink, record)
  await provider.forceFlush()
  return exporter.getFinishedLogRecords()
}

describe('the sink of OpenTelemetry logs', () => {
  it("takes the logger of OpenTelemetry's own package", () => {
    expectTypeOf<Logger>().toExtend<OpenTelemetryLogger>()
  })

  it('emits a log record with every member, at its time', async () => {
    const [record] = await emitted(aRecord({ requestId: 'r-17', time: 1_640_995_200_123 }))
    expect(record).toMatchObject({
      eventName: 'finchat.secrets.audit',
      hrTime: [1_640_995_200, 123_000_000],
      severityNumber: 9,
      severityText: 'INFO',
      body: 'Secret access: name=FINCHAT_TOKEN, source=aws, timestamp=1640995200, user=webapp',
    })
    expect(record?.attributes).toMatchObject({
      'finchat.audit.name': 'FINCHAT_TOKEN',
      'finchat.audit.request_id': 'r-17',
      'finchat.audit.seq': 1,
      'user.id': 'webapp',
    })
  })

  it('is tied to the span in which the secret was asked for', async () => {
    const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
    const [inSpan, outside] = await emitted(aRecord(span), aRecord())
    expect(inSpan?.spanContext).toMatchObject(span)
    expect(outside?.spanContext).toBeUndefined()
  })

  it('says what failed as a warning with its code, and what went missing as an error', async () => {
    const records = await emitted(aRecord({ outcome: 'error', code: 'NOT_FOUND' }), aRecord({ operation: 'gap', missed: 2 }))
    expect(records.map(({ severityNumber }) => severityNumber)).toEqual([13, 17])
    expect(records[0]?.attributes).toMatchObject({ 'error.type': 'NOT_FOUND' })
  })

  it('changes no name, and lets none forge a member', async () => {
    const records = await emitted(...hostileTexts.map((name) => aRecord({ name })))
    expect(records.map(({ attributes }) => attributes['finchat.audit.name'])).toEqual(hostileTexts)
    for (const { attributes, body } of records) {
      expect(Object.keys(attributes)).toEqual(Object.keys(records[0]?.attributes ?? {}))
      expect(body).toMatch(/^Secret access: [\x20-\x7e]+$/)
    }
  })

  it('refuses a record at which the logger throws, with nothing of what it threw', async () => {
    const emit = (): never => {
      throw new Error('canary-of-a-logger')
    }
    const refusal: unknown = await write(openTelemetrySink({ emit }), aRecord()).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'AUDIT_FAILED' })
    expect(leaksOf(refusal, 'canary-of-a-logger')).toEqual([])
  })

  it('refuses what has no emit', () => {
    // @ts-expect-error what a caller without types may write
    expect(() => openTelemetrySink({})).toThrow(/no emit/)
  })
})

describe('the context of a span', () => {
  const context = spanContext('0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331')

  it("is what OpenTelemetry's own package reads", () => {
    expect(trace.getSpanContext(context)).toMatchObject({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' })
    expect(trace.getSpanContext(trace.deleteSpan(context))).toBeUndefined()
  })

  it('is never changed, but followed by another', () => {
    const key = Symbol('key')
    expect(context.setValue(key, 1).getValue(key)).toBe(1)
    expect(context.getValue(key)).toBeUndefined()
  })
})
