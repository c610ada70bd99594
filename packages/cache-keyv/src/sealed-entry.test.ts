import type { StoredSecret } from '@finchat/secrets-core'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { deriveCacheKeys } from './cache-keys.ts'
import { channelOf, placesOf } from './places.ts'
import { openEntry, type Position, sealEntry } from './sealed-entry.ts'
import { newGeneration, openGeneration, sealGeneration } from './sealed-generation.ts'

const keysOf = (...ring: number[]) =>
  deriveCacheKeys([Buffer.alloc(32, ring[0]), ...ring.slice(1).map((byte) => Buffer.alloc(32, byte))], Buffer.alloc(32, 9))
const keys = keysOf(1)
const at: Position = { namespace: 'team', sharedAs: 'aws:1:eu', path: 'prod/database', version: 2 }
const head = { generation: newGeneration(0).id, writtenAt: 1_800_000_000_000, until: 1_800_000_192_000 }
const canary = 'canary-8f2e'

const text = fc.string({ unit: 'binary', maxLength: 600 })
const secret: fc.Arbitrary<StoredSecret> = fc.record(
  {
    value: fc.oneof(text, fc.uint8Array({ maxLength: 600 })),
    shape: fc.constant('map' as const),
    version: fc.integer({ min: 1 }),
    revision: text,
    currentSince: fc.nat(),
    expiresAt: fc.double({ min: 1, max: 4e12, noNaN: true }),
  },
  { requiredKeys: ['value'] },
)

test('an entry opens as it was sealed, where it was sealed, with its times', () => {
  fc.assert(
    fc.property(secret, text, text, (stored, namespace, path) => {
      const position = { ...at, namespace, path }
      const { open, ...opened } = openEntry(keys, position, sealEntry(keys, position, head, stored)) ?? expect.fail('it does not open')
      expect([open(), opened]).toEqual([stored, head])
    }),
  )
})

test('each key of the ring opens what it sealed, whichever is first now, and no other key does', () => {
  const sealed = sealEntry(keysOf(1), at, head, { value: 'v' })
  for (const ring of [[1], [1, 2], [2, 1], [3, 2, 1]]) expect(openEntry(keysOf(...ring), at, sealed)?.open()).toEqual({ value: 'v' })
  expect(openEntry(keysOf(2, 3), at, sealed)).toBeUndefined()
  const generation = newGeneration(3)
  const sealedGeneration = sealGeneration(keysOf(1), at, generation)
  expect(openGeneration(keysOf(2, 1), at, sealedGeneration)).toEqual(generation)
  expect(openGeneration(keysOf(2), at, sealedGeneration)).toBeUndefined()
})

test('places are the same whatever the ring', () => {
  expect(keysOf(1, 2).index.equals(keysOf(2, 1).index)).toBe(true)
  expect(keysOf(1).index.equals(keysOf(3).index)).toBe(true)
})

test.each<[string, Partial<Position>]>([
  ['another namespace', { namespace: 'tea' }],
  ['another store', { sharedAs: 'aws:1:us' }],
  ['another path', { path: 'prod/databas' }],
  ['what ran over from one into the next', { sharedAs: 'aws:1:euprod', path: '/database' }],
  ['another version', { version: 3 }],
  ['the current version', { version: undefined }],
  ['the version before', { version: 'previous' }],
])('an entry that is moved to %s does not open there, nor does a generation', (_, moved) => {
  const sealed = sealEntry(keys, at, head, { value: canary })
  expect(openEntry(keys, { ...at, ...moved }, sealed)).toBeUndefined()
  const isSamePath = 'version' in moved
  expect(openGeneration(keys, { ...at, ...moved }, sealGeneration(keys, at, newGeneration(0))) !== undefined).toBe(isSamePath)
})

test('an entry with one bit changed, cut short, or lengthened does not open', () => {
  const sealed = Buffer.from(sealEntry(keys, at, head, { value: canary }), 'base64url')
  const opened = (bytes: Uint8Array): unknown => openEntry(keys, at, Buffer.from(bytes).toString('base64url'))?.open()
  expect(opened(sealed)).toEqual({ value: canary })
  for (let byte = 0; byte < sealed.length; byte += 1) {
    const changed = Uint8Array.from(sealed)
    changed[byte] = (changed[byte] ?? 0) ^ (1 << (byte % 8))
    expect(opened(changed)).toBeUndefined()
    expect(opened(sealed.subarray(0, byte))).toBeUndefined()
  }
  expect(opened(Buffer.concat([sealed, Buffer.of(0)]))).toBeUndefined()
})

test('the head of one entry does not open the secret of another, so that an old value gets no new time', () => {
  const [old, later] = [head, { ...head, until: head.until + 1 }].map((each, n) =>
    Buffer.from(sealEntry(keys, at, each, { value: `v${n}` }), 'base64url'),
  ) as [Buffer, Buffer] // of two
  const headEnd = 60
  const mixed = openEntry(keys, at, Buffer.concat([later.subarray(0, headEnd), old.subarray(headEnd)]).toString('base64url'))
  expect([mixed?.until, mixed?.open()]).toEqual([head.until + 1, undefined])
})

test('what is no entry at all opens as nothing', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (nonsense) => openEntry(keys, at, nonsense) === undefined))
  expect(openGeneration(keys, at, sealEntry(keys, at, head, { value: 'v' }))).toBeUndefined()
})

test('a time that never comes is no time', () => {
  const sealed = sealEntry(keys, at, head, { value: 'v', expiresAt: Infinity, currentSince: -Infinity })
  expect(openEntry(keys, at, sealed)?.open()).toEqual({ value: 'v' })
})

test('what is no entry costs no more than its first characters, however long it is', () => {
  const decoding = vi.spyOn(Buffer, 'from')
  expect(openEntry(keys, at, 'A'.repeat(10_000_000))).toBeUndefined()
  for (const [given] of decoding.mock.calls) expect(JSON.stringify(given).length).toBeLessThan(1_000)
  decoding.mockRestore()
})

test('a sealed entry shows neither name nor value nor time, nor the exact length', () => {
  const lengths = ['', canary, canary.repeat(10)].map((value) => {
    const sealed = sealEntry(keys, at, head, { value, revision: canary })
    const bytes = Buffer.from(sealed, 'base64url').toString('latin1')
    for (const word of [canary, 'database', 'aws', 'team', 'revision', String(head.until)]) expect(bytes).not.toContain(word)
    return sealed.length
  })
  expect(new Set(lengths).size).toBe(1)
})

test('an entry of this format is read by every later release that has it', () => {
  const sealed =
    'vlv2daN70ZGUwP4n5XmRaLJ8H4ESWo6iuAivyXhIDgvz3HioMzLw_WcON3SSLlbEazRjgBCFn3HBII2odZGUxQzzlYLRuV2QijFAbiUDL6HXTI0sC-mNiqtAz60IE1LNmdztN0BBoKQ5ejsCFWHgU-vYlzBc_yq2RJc1aWq0y_oYqcCD0vOo3nloincKMsJGkqlT62UpEN6pP0Y3mhw-yvz2EdB6kB8SbzrHuwmEj4MwcKi-OYFnl9TMAOtURxE2D1Uzvpd2hU5MtyFRkrOttR0qz7m0wml3dDHrPmb27aDM0-FyUqCAjLXbK8swDh8Dkg63TXf7hTMAo8P7PKyaQl79iWRBd6yXIioTWhse3CC9r5NCPQANQmPcZAUG9XSwtGRNi5dAB5ew2GKUeCgzDCSoLvubSggEEVgeysLTqT19JMSmBm15pmPkIxuRExa89GsJdYN39iI'
  expect(openEntry(keys, { ...at, path: 'vector' }, sealed)?.open()).toEqual({ value: 'hunter2', version: 2, revision: 'r' })
})

test('a generation of this format is too, and everything is still found in its place', () => {
  const sealed = 'GN0Eb7NVl4vujWEeZkAGn2cmuga9j7fv8Xwu6tC0k3oeVF59V_iXhkru5SQrRbjNTkoUWr_ZXxenPbUl'
  const path = { ...at, path: 'prod/dätabase' }
  expect(openGeneration(keys, path, sealed)).toEqual({ id: 'BQUFBQUFBQUFBQUFBQUFBQ', leastVersion: 2, leastUntil: 1_800_000_900_000 })
  const options = { index: keys.index, namespace: 'team', keyPrefix: 'fs1:' }
  expect(placesOf(path, options)).toEqual({
    generation: 'fs1:{LLNENgsIkgfokYqN8os7vy6tFVqXvbWs}g',
    entry: 'fs1:{LLNENgsIkgfokYqN8os7vy6tFVqXvbWs}ea-nNayBESQFJDQwnXVxmn0rim-nIS2bk',
    turn: 'fs1:{LLNENgsIkgfokYqN8os7vy6tFVqXvbWs}ta-nNayBESQFJDQwnXVxmn0rim-nIS2bk',
  })
  expect(channelOf(options)).toBe('fs1:7SQe_ArE6c5dxphZtZ46D224-Q5rptkA')
})
