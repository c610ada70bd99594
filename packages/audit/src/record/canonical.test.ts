import type { AuditEvent, AuditRecord } from '@finchat/secrets-core'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalLine, canonicalLineIfAny } from './canonical.ts'
import { RecordMaker } from './record-maker.ts'

const event: AuditEvent = { phase: 'outcome', time: 1, operation: 'get', name: 'FINCHAT_TOKEN' }

function recordOf(overrides: Partial<AuditEvent>): AuditRecord {
  return new RecordMaker({ service: 'test', hashName: undefined }).record({ ...event, ...overrides })
}

function libraryLine(value: object): string | undefined {
  try {
    return `${canonicalize(value)}\n`
  } catch {
    return undefined
  }
}

describe('the canonical form', () => {
  it('of any record is what the library makes of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.double(), fc.boolean(), (name, actor, durationMs, stale) => {
        const record = recordOf({ name, actor, durationMs, stale })
        expect(canonicalLine(record)).toBe(`${canonicalize(record)}\n`)
      }),
    )
  })

  it('of any other value too', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        expect(canonicalLine(value)).toBe(`${canonicalize(value)}\n`)
      }),
    )
  })

  it('of foreign data is what the library makes of it, and none where it throws', () => {
    const unit = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 1 }),
      fc.constantFrom('\ud800', '\udc00', '\u{10000}', '\uffff', '1', '02'),
    )
    const text = fc.oneof(fc.string({ unit, maxLength: 3 }), fc.constantFrom('__proto__', 'toJSON', 'constructor', ''))
    const number = fc.oneof(fc.double(), fc.constantFrom(-0, 1e21, 1e-7, 2 ** 53, 5e-324))
    const { value } = fc.letrec((tie) => ({
      leaf: fc.oneof(text, number, fc.boolean(), fc.constantFrom(null, undefined)),
      member: fc.oneof({ depthSize: 'small' }, tie('leaf'), fc.array(tie('member'), { maxLength: 3 }), tie('value')),
      value: fc.array(fc.tuple(text, tie('member')), { maxLength: 6 }).map((members) => Object.fromEntries(members)),
    }))
    fc.assert(
      fc.property(value, (foreign) => {
        expect(canonicalLineIfAny(foreign)).toBe(libraryLine(foreign))
      }),
      { numRuns: 1_000 },
    )
  })

  it('sorts members by UTF-16 code units, not by code points', () => {
    expect(canonicalLine({ '\u{10000}': 1, '\uffff': 2, '\u00e9': -0, z: 1e21 })).toBe('{"z":1e+21,"é":0,"\u{10000}":1,"\uffff":2}\n')
  })

  it('is one line, whatever a name holds', () => {
    for (const name of ['a\nb', '\u2028', '\u001b[2J', '"}\n{"seq":1}', '\0', '\ud800']) {
      expect(canonicalLine(recordOf({ name })).indexOf('\n')).toBe(canonicalLine(recordOf({ name })).length - 1)
    }
  })

  it('is none of text that is no Unicode, nor of a number that JSON does not have', () => {
    for (const value of ['\ud800', Number.NaN, Infinity]) {
      expect(canonicalLineIfAny({ b: [{ a: value }], a: 1 })).toBeUndefined()
    }
    expect(canonicalLineIfAny({ '\udfff': [] })).toBeUndefined()
    expect(canonicalLineIfAny({ a: 1, '\udfff': 1 })).toBeUndefined()
  })

  it('is none of what nests without end', () => {
    const nested: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    expect(canonicalLineIfAny({ nested })).toBeUndefined()
  })

  it('is none of what nests deeper than a line of ours ever does, whatever room the stack has', () => {
    const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)
    expect(canonicalLineIfAny({ nested: nested(64) })).toBeDefined()
    expect(canonicalLineIfAny({ nested: nested(65) })).toBeUndefined()
  })
})
