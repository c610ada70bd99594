import { PassThrough } from 'node:stream'
import { leaksOf } from '@finchat/secrets-testkit'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { aRecord, hostileTexts } from '../testing/sample-records.ts'
import { write } from '../testing/sink-calls.ts'
import { loggerSink, type PinoShaped } from './logger-sink.ts'

function logged(stream: PassThrough): Record<string, unknown>[] {
  return String(stream.read())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe('the sink over a logger', () => {
  it('hands pino the record, and the human line as its message, one line each whatever stands in it', async () => {
    const stream = new PassThrough()
    const sink = loggerSink(pino(stream))
    for (const name of hostileTexts) await write(sink, aRecord({ name }))
    const lines = logged(stream)
    expect(lines.map(({ audit }) => audit)).toEqual(hostileTexts.map((name) => aRecord({ name })).map(wellFormed))
    expect(lines[0]).toMatchObject({ level: 30, msg: expect.stringMatching(/^Secret access: name="", source=aws/) })
  })

  it('says what failed as a warning, and what went missing as an error', async () => {
    const stream = new PassThrough()
    const sink = loggerSink(pino(stream))
    await write(sink, aRecord({ outcome: 'error', code: 'NOT_FOUND' }))
    await write(sink, aRecord({ operation: 'gap', missed: 2 }))
    expect(logged(stream).map(({ level }) => level)).toEqual([40, 50])
  })

  it('hands over what is known alone: a logger may write undefined, member by member', async () => {
    const told: object[] = []
    const log = (members: object): void => void told.push(members)
    await write(loggerSink({ info: log, warn: log, error: log }), aRecord({ requestId: undefined, actor: 'webapp' }))
    expect(told).toEqual([{ audit: expect.objectContaining({ actor: 'webapp' }) }])
    expect(Object.values(told.flatMap(Object.values).at(0) ?? {})).not.toContain(undefined)
  })

  it('lets the logger redact, though records are frozen', async () => {
    const stream = new PassThrough()
    await write(loggerSink(pino({ redact: ['audit.actor'] }, stream)), aRecord())
    expect(logged(stream)[0]).toMatchObject({ audit: { actor: '[Redacted]', name: 'FINCHAT_TOKEN' } })
  })

  it('refuses a record at which the logger throws, with nothing of what it threw', async () => {
    const fail = (): never => {
      throw new Error('canary-of-a-logger')
    }
    const refusal: unknown = await write(loggerSink({ info: fail, warn: fail, error: fail }), aRecord()).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'AUDIT_FAILED' })
    expect(leaksOf(refusal, 'canary-of-a-logger')).toEqual([])
  })

  it('refuses what is no logger', () => {
    const noLogger: Partial<PinoShaped> = { info: () => undefined }
    // @ts-expect-error what a caller without types may write
    expect(() => loggerSink(noLogger)).toThrow(/not shaped like pino/)
    // @ts-expect-error what a caller without types may write
    expect(() => loggerSink(null)).toThrow(/not shaped like pino/)
  })
})

/** JSON keeps a lone surrogate as an escape; pino's own serialiser may replace it. */
function wellFormed(record: object): unknown {
  return JSON.parse(JSON.stringify(record))
}
