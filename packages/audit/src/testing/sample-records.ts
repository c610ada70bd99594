import type { AuditRecord } from '@finchat/secrets-core'
import fc from 'fast-check'

/** A read that succeeded, or whatever else is said of it. */
export function aRecord(said: Partial<AuditRecord> = {}): AuditRecord {
  return {
    v: 1,
    trail: '0f8fad5b-d9cb-469f-a165-70867728950e',
    seq: 1,
    time: 1_640_995_200_000,
    host: 'web-1',
    pid: 4711,
    service: 'shop',
    release: '1.2.3',
    phase: 'outcome',
    operation: 'get',
    outcome: 'ok',
    name: 'FINCHAT_TOKEN',
    provider: 'aws',
    actor: 'webapp',
    ...said,
  }
}

/** Names and actors that try to end a line, to pass for another member, to reach the terminal or a browser, or to fill a disk. */
export const hostileTexts: readonly string[] = [
  '',
  '-',
  'a\nSecret access: name=forged, source=aws, timestamp=1, user=root',
  'a\r\n<110>1 - forged - - - - forged',
  'a, source=vault, timestamp=1, user=root',
  'a"b\\c]d',
  '\u2028\u2029\u0085\u000b\u000c',
  '\u001b[2J\u001b]0;title\u0007',
  '\u009b31m',
  '\u202egnp.exe\u2066\u200b\ufeff',
  '\ud800lone',
  'lone\udfff',
  '\0nul',
  '</title><script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '&lt;&#39;\'"`',
  ']]><!--',
  '%s%n%d',
  '__proto__',
  'ѕеcrеt',
  '12 34',
  'é'.repeat(5_000),
  '\n'.repeat(10_240),
  'x'.repeat(10_240),
]

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.constantFrom(...hostileTexts))
const said = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })

/** Whatever a trail may hand to a sink, and texts that it would have made well-formed. */
export const anyRecord: fc.Arbitrary<AuditRecord> = fc
  .record({
    seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    time: fc.integer({ min: 0, max: 8_640_000_000_000_000 }),
    operation: fc.oneof(fc.constantFrom('get', 'verify', 'store', 'delete', 'gap', 'list', 'lease'), text),
    phase: fc.constantFrom('intent', 'outcome'),
    outcome: fc.constantFrom('ok', 'error', undefined),
    code: fc.constantFrom('NOT_FOUND', 'PERMISSION_DENIED', undefined),
    name: text,
    actor: said(text),
    provider: said(text),
    revision: said(text),
    requestId: said(text),
    host: text,
    service: text,
    version: said(fc.nat()),
    stale: said(fc.boolean()),
  })
  .map((members) => aRecord(members))

/** The same without the members that are not known, as a trail would write it. */
export function known(record: AuditRecord): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}
