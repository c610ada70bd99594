import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyRecord, aRecord, hostileTexts } from '../testing/sample-records.ts'
import { toEcs } from './ecs.ts'

interface Field {
  readonly type: string
  readonly array?: true
  readonly values?: readonly string[]
  readonly expectedTypes?: Readonly<Record<string, readonly string[]>>
}

/** What Elastic published, see the file's own `source`. */
const { fields }: { readonly fields: Readonly<Record<string, Field>> } = JSON.parse(
  readFileSync(new URL('../../fixtures/ecs-9.4.0-fields.json', import.meta.url), 'utf8'),
)

function faultsOf(document: object, prefix = ''): string[] {
  return Object.entries(document).flatMap(([name, value]) => {
    const path = prefix + name
    const field = fields[path]
    if (field === undefined) return isObject(value) ? faultsOf(value, `${path}.`) : [`${path} is not published`]
    const items: unknown[] = field.array && Array.isArray(value) ? value : [value]
    return items.flatMap((item) => valueFaults(field, item, path))
  })
}

function valueFaults({ type, values }: Field, value: unknown, path: string): string[] {
  if (values !== undefined && !values.some((allowed) => allowed === value)) return [`${path} is none of its values`]
  const isRight = {
    long: Number.isSafeInteger(value),
    date: typeof value === 'string' && !Number.isNaN(Date.parse(value)),
    object: isObject(value) && Object.values(value).every((label) => typeof label === 'string'),
  }
  return (Object.hasOwn(isRight, type) ? isRight[type as keyof typeof isRight] : typeof value === 'string') // just looked up
    ? []
    : [`${path} is no ${type}`]
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

describe('a record as ECS', () => {
  it('has only published fields, of their types and values, whatever the record', () => {
    fc.assert(
      fc.property(anyRecord, fc.boolean(), (record, isTraced) => {
        const span = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), durationMs: 1.5, missed: 1 }
        const document = toEcs({ ...record, ...(isTraced && span) })
        expect(faultsOf(document)).toEqual([])
        expect(document.event).toMatchObject({ kind: 'event' })
      }),
      { numRuns: 300 },
    )
  })

  it('is checked against fields that find faults', () => {
    const wrong = { '@timestamp': 'yesterday', event: { outcome: 'good', sequence: '1', colour: 'red' }, labels: { degraded: true } }
    expect(faultsOf(wrong)).toEqual([
      '@timestamp is no date',
      'event.outcome is none of its values',
      'event.sequence is no long',
      'event.colour is not published',
      'labels is no object',
    ])
  })

  it.each(['get', 'rotate', 'delete', 'lease', 'login', 'revoke', 'gap', 'constructor'])(
    'has a type that fits its category, for %s',
    (operation) => {
      for (const code of [undefined, 'PERMISSION_DENIED', 'UNAUTHENTICATED'] as const) {
        const { category, type } = toEcs(aRecord({ operation, code, outcome: code === undefined ? 'ok' : 'error' })).event
        const expected = fields['event.category']?.expectedTypes?.[String(category)] ?? []
        expect(expected).toEqual(expect.arrayContaining(Array.isArray(type) ? type : [type]))
      }
    },
  )

  it('says who did what to which secret, and how it ended', () => {
    const document = toEcs(aRecord({ version: 3, requestId: 'r-17', outcome: 'error', code: 'PERMISSION_DENIED', durationMs: 1.5 }))
    expect(document).toMatchObject({
      '@timestamp': '2022-01-01T00:00:00.000Z',
      event: { action: 'get', outcome: 'failure', type: ['access', 'denied'], code: 'PERMISSION_DENIED', duration: 1_500_000 },
      user: { name: 'webapp' },
      error: { code: 'PERMISSION_DENIED' },
      labels: { secret_name: 'FINCHAT_TOKEN', secret_provider: 'aws', secret_version: '3', request_id: 'r-17' },
    })
    expect(toEcs(aRecord({ phase: 'intent', outcome: undefined })).event).toMatchObject({ outcome: 'unknown' })
  })

  it('can be told from any other record by its hash, number and trail', () => {
    const line = '{"name":"é","operation":"get","phase":"outcome","seq":9,"time":1,"trail":"t","v":1}'
    const { event } = toEcs(JSON.parse(line))
    expect(event).toMatchObject({ id: 't:9', sequence: 9, hash: createHash('sha256').update(line).digest('hex') })
  })

  it('changes no name, and lets none become a field', () => {
    for (const name of hostileTexts) {
      const document = toEcs(aRecord({ name, actor: name }))
      expect(document.labels['secret_name']).toBe(name)
      expect(Object.keys(document)).toEqual(Object.keys(toEcs(aRecord())))
    }
  })
})
