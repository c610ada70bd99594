import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyRecord, aRecord, hostileTexts, known } from '../testing/sample-records.ts'
import { syslogMessage, type SyslogShape } from './syslog-message.ts'

const shape: SyslogShape = { facility: 13, format: 'json', maxMessageBytes: 8192 }

/** The grammar of RFC 5424, section 6, as far as we use it: header, the two elements of structured data, message. */
const grammar = new RegExp(
  [
    String.raw`^<(?<priority>\d{1,3})>1`,
    String.raw`(?<timestamp>-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)`,
    String.raw`(?<host>[\x21-\x7e]{1,255})`,
    String.raw`(?<app>[\x21-\x7e]{1,48})`,
    String.raw`(?<pid>[\x21-\x7e]{1,128})`,
    String.raw`(?<id>[\x21-\x7e]{1,32})`,
    String.raw`\[meta sequenceId="(?<sequence>\d+)"\]\[origin software="@finchat/secrets-audit" swVersion="[^"\]\\]{1,32}"\]`,
    String.raw`(?<message>[\x20-\x7e]*)$`,
  ].join(' '),
)

function parsed(message: string): Record<string, string> {
  return { ...grammar.exec(message)?.groups }
}

describe('a syslog message', () => {
  it('is one of RFC 5424', () => {
    expect(syslogMessage(aRecord({ seq: 7 }), { ...shape, format: 'human' })).toBe(
      '<110>1 2022-01-01T00:00:00.000Z web-1 shop 4711 get [meta sequenceId="7"]' +
        '[origin software="@finchat/secrets-audit" swVersion="1.2.3"] ' +
        'Secret access: name=FINCHAT_TOKEN, source=aws, timestamp=1640995200, user=webapp',
    )
  })

  it('has the severity of what it tells, in the facility asked for', () => {
    const priorities = [aRecord(), aRecord({ outcome: 'error' }), aRecord({ operation: 'gap' })].map((record) =>
      syslogMessage(record, { ...shape, facility: 4 }).slice(0, 4),
    )
    expect(priorities).toEqual(['<38>', '<36>', '<35>'])
  })

  it('begins anew after the last sequence number that there is', () => {
    const sequenceOf = (seq: number): unknown => parsed(syslogMessage(aRecord({ seq }), shape))['sequence']
    expect([1, 2_147_483_647, 2_147_483_648].map(sequenceOf)).toEqual(['1', '2147483647', '1'])
  })

  it('keeps to the grammar and holds the record, whatever stands in it', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const { message = '' } = parsed(syslogMessage(record, { ...shape, maxMessageBytes: 1024 * 1024 }))
        expect(JSON.parse(message)).toEqual(known(record))
      }),
      { numRuns: 300 },
    )
  })

  it.each(['json', 'human'] as const)('fits what every receiver over UDP should take, whatever stands in it, as %s', (format) => {
    const longest = 'é\u2028'.repeat(8_000)
    const texts = ['name', 'actor', 'provider', 'revision', 'requestId', 'host', 'service', 'method', 'traceId', 'spanId', 'operation']
    const worst = aRecord(Object.fromEntries(texts.map((member) => [member, longest])))
    for (const record of [worst, ...hostileTexts.map((name) => aRecord({ name, actor: name }))]) {
      const message = syslogMessage(record, { ...shape, format, maxMessageBytes: 2048 })
      expect(message.length).toBeLessThanOrEqual(2048)
      expect(parsed(message)).toHaveProperty('message')
    }
  })

  it('shortens texts so that two that differ still do', () => {
    const shortened = ['a', 'b'].map((end) => {
      const message = syslogMessage(aRecord({ name: 'x'.repeat(10_240) + end }), { ...shape, maxMessageBytes: 2048 })
      return JSON.parse(parsed(message)['message'] ?? '').name
    })
    expect(shortened[0]).toMatch(/^x+…sha256:[0-9a-f]{32}$/)
    expect(shortened[0]).not.toBe(shortened[1])
  })

  it('never cuts a checkpoint: it is refused where it does not fit', () => {
    const checkpoint = JSON.stringify({ mac: 'm'.repeat(1000) })
    const { message = '' } = parsed(syslogMessage(aRecord({ checkpoint, name: 'x'.repeat(10_240) }), { ...shape, maxMessageBytes: 2048 }))
    expect(JSON.parse(message)).toMatchObject({ checkpoint })
    expect(() => syslogMessage(aRecord({ checkpoint: 'm'.repeat(9_000) }), shape)).toThrow(/`maxMessageBytes`/)
  })

  it('has no time where a record has none that a date can have', () => {
    for (const time of [Number.NaN, 8.64e15, -1e15]) expect(parsed(syslogMessage(aRecord({ time }), shape))['timestamp']).toBe('-')
  })
})
