import type { AuditEvent, AuditRecord } from '@finchat/secrets-core'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalLine, canonicalLineIfAny } from './canonical.ts'
import { RecordMaker } from './record-maker.ts'

const event: AuditEvent = { phase: 'outcome', time: 1, operation: 'get', name: 'FINCHAT_TOKEN' }

function recordOf(overrides: Partial<AuditEvent>): AuditRecord {
  return new RecordMaker({ service: 'test', nameKey: undefined }).record({ ...event, ...overrides })
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
  })

  it('is none of what nests without end', () => {
    const nested: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    expect(canonicalLineIfAny({ nested })).toBeUndefined()
  })
})
