import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyRecord, aRecord, hostileTexts } from '../testing/sample-records.ts'
import { toOcsf } from './ocsf.ts'

interface Attribute {
  readonly type: string
  readonly array?: true
  readonly required?: true
  readonly enum?: Readonly<Record<string, string>>
}
interface Schema {
  readonly atLeastOne: Readonly<Record<string, readonly string[]>>
  readonly objects: Readonly<Record<string, Readonly<Record<string, Attribute>>>>
}

/** What OCSF published, see the file's own `source`. */
const released: Schema = JSON.parse(readFileSync(new URL('../../fixtures/ocsf-1.8.0-api-activity.json', import.meta.url), 'utf8'))

/** Profiles that we do not apply bring attributes which only then are required. */
const ofOtherProfiles = ['cloud', 'osint']

function faultsOf(value: Readonly<Record<string, unknown>>, object: string, schema: Schema = released): string[] {
  const attributes = schema.objects[object] ?? {}
  const missing = Object.keys(attributes).filter(
    (name) => attributes[name]?.required && !(name in value) && !ofOtherProfiles.includes(name),
  )
  const oneOf = schema.atLeastOne[object]
  return [
    ...missing.map((name) => `${object}.${name} is required`),
    ...(oneOf === undefined || oneOf.some((name) => name in value) ? [] : [`${object} has none of ${oneOf.join(', ')}`]),
    ...Object.entries(value).flatMap(([name, member]) => memberFaults(attributes[name], member, `${object}.${name}`, schema)),
  ]
}

function memberFaults(attribute: Attribute | undefined, value: unknown, place: string, schema: Schema): string[] {
  if (attribute === undefined) return [`${place} is not published`]
  if (attribute.array)
    return Array.isArray(value) ? value.flatMap((item) => typeFaults(attribute, item, place, schema)) : [`${place} is no array`]
  return typeFaults(attribute, value, place, schema)
}

function typeFaults({ type, enum: values }: Attribute, value: unknown, place: string, schema: Schema): string[] {
  if (type === 'object') return []
  if (!type.endsWith('_t')) return isObject(value) ? faultsOf(value, type, schema) : [`${place} is no object`]
  const isNumber = ['integer_t', 'long_t', 'timestamp_t'].includes(type)
  if (isNumber ? !Number.isSafeInteger(value) : typeof value !== 'string') return [`${place} is no ${type}`]
  const isListed = values === undefined || !place.endsWith('_id') || String(value) in values
  return isListed ? [] : [`${place} is none of its values`]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

describe('a record as OCSF', () => {
  it('is an API Activity by the published names and types, whatever the record', () => {
    fc.assert(
      fc.property(anyRecord, fc.boolean(), (record, isTraced) => {
        const event = toOcsf({ ...record, ...(isTraced && { traceId: '0'.repeat(32), durationMs: 1.5, missed: 1 }) })
        expect(faultsOf({ ...event }, 'api_activity')).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  it('is checked against a schema that finds faults', () => {
    const { metadata: _metadata, ...event } = toOcsf(aRecord())
    const faults = faultsOf({ ...event, colour: 'red', time: 'now', status_id: 17, actor: {}, resources: {} }, 'api_activity')
    expect(faults).toEqual([
      'api_activity.metadata is required',
      'api_activity.status_id is none of its values',
      'api_activity.time is no timestamp_t',
      expect.stringContaining('actor has none of'),
      'api_activity.resources is no array',
      'api_activity.colour is not published',
    ])
  })

  it.each([
    ['get', 600_302],
    ['verify', 600_302],
    ['rotate', 600_303],
    ['delete', 600_304],
    ['lease', 600_301],
    ['login', 600_399],
    ['constructor', 600_399],
  ])('has for %s the type %i', (operation, type) => {
    expect(toOcsf(aRecord({ operation })).type_uid).toBe(type)
  })

  it('says who did what to which secret, and how it ended', () => {
    const event = toOcsf(aRecord({ version: 3, requestId: 'r-17', outcome: 'error', code: 'PERMISSION_DENIED' }))
    expect(event).toMatchObject({
      status_id: 2,
      status_code: 'PERMISSION_DENIED',
      severity: 'Medium',
      actor: { user: { name: 'webapp' }, app_name: 'shop', process: { pid: 4711 } },
      api: { operation: 'get', service: { name: 'aws' }, request: { uid: 'r-17' } },
      resources: [{ name: 'FINCHAT_TOKEN', type: 'Secret', version: '3' }],
      src_endpoint: { hostname: 'web-1' },
    })
    expect(toOcsf(aRecord({ phase: 'intent', outcome: undefined })).status).toBe('Unknown')
    expect(toOcsf(aRecord({ operation: 'gap', name: '', missed: 3 }))).toMatchObject({ severity: 'High', unmapped: { missed: 3 } })
    expect(toOcsf(aRecord({ name: '' }))).not.toHaveProperty('resources')
  })

  it('can be told from any other record by its hash, number and trail', () => {
    const line = '{"name":"é","operation":"get","phase":"outcome","seq":9,"time":1,"trail":"t","v":1}'
    const event = toOcsf(JSON.parse(line))
    expect(event.raw_data_hash).toMatchObject({ algorithm: 'SHA-256', value: createHash('sha256').update(line).digest('hex') })
    expect(event.raw_data_size).toBe(Buffer.byteLength(line))
    expect(event.metadata).toMatchObject({ uid: 't:9', sequence: 9, log_name: 't' })
  })

  it('has the same members whatever the names are', () => {
    for (const name of hostileTexts.filter((text) => text !== '')) {
      const event = toOcsf(aRecord({ name, actor: name }))
      expect(Object.keys(event)).toEqual(Object.keys(toOcsf(aRecord())))
      expect(event.resources?.[0]?.['name']).toBe(name)
    }
  })
})
