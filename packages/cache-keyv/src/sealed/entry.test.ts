import type { StoredSecret } from '@finchat/secrets-core'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { deriveKeyRing } from './key-ring.ts'
import { channelOf, keyNamesOf } from './key-names.ts'
import { openEntry, type Position, sealEntry } from './entry.ts'
import { firstGeneration, nextGeneration, openGeneration, sealGeneration } from './generation.ts'

const keysOf = (...ring: number[]) =>
  deriveKeyRing([Buffer.alloc(32, ring[0]), ...ring.slice(1).map((byte) => Buffer.alloc(32, byte))], Buffer.alloc(32, 9))
const keys = keysOf(1)
const at: Position = { namespace: 'team', sharedAs: 'aws:1:eu', path: 'prod/database', version: 2 }
const head = { generation: firstGeneration().id, writtenAt: 1_800_000_000_000, until: 1_800_000_192_000 }
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

test('an entry opens at its position as it was sealed, with its times', () => {
  fc.assert(
    fc.property(secret, text, text, (stored, namespace, path) => {
      const position = { ...at, namespace, path }
      const { open, ...opened } = openEntry(keys, position, sealEntry(keys, position, head, stored)) ?? expect.fail('it does not open')
      expect([open(), opened]).toEqual([stored, head])
    }),
  )
})

test('each key of the ring opens what it sealed, whichever key is first, and no other key does', () => {
  const sealed = sealEntry(keysOf(1), at, head, { value: 'v' })
  for (const ring of [[1], [1, 2], [2, 1], [3, 2, 1]]) expect(openEntry(keysOf(...ring), at, sealed)?.open()).toEqual({ value: 'v' })
  expect(openEntry(keysOf(2, 3), at, sealed)).toBeUndefined()
  const generation = nextGeneration(3, undefined)
  const sealedGeneration = sealGeneration(keysOf(1), at, generation)
  expect(openGeneration(keysOf(2, 1), at, sealedGeneration)).toEqual(generation)
  expect(openGeneration(keysOf(2), at, sealedGeneration)).toBeUndefined()
})

test('the key that names are hashed with opens nothing, and is known as retired, unless it is in the ring', () => {
  expect(keysOf(9).retired).toEqual([])
  expect(keysOf(1, 9).retired).toEqual([])
  const sealed = sealEntry(keysOf(9), at, head, { value: 'v' })
  expect(openEntry(keysOf(1), at, sealed)).toBeUndefined()
  expect(openEntry({ opens: keysOf(1).retired }, at, sealed)?.open()).toEqual({ value: 'v' })
})

test('the index key does not depend on the ring', () => {
  expect(keysOf(1, 2).index).toEqual(keysOf(2, 1).index)
  expect(keysOf(1).index).toEqual(keysOf(3).index)
})

test.each<[string, Partial<Position>]>([
  ['another namespace', { namespace: 'tea' }],
  ['another store', { sharedAs: 'aws:1:us' }],
  ['another path', { path: 'prod/databas' }],
  ['a position whose fields run together', { sharedAs: 'aws:1:euprod', path: '/database' }],
  ['another version', { version: 3 }],
  ['the current version', { version: undefined }],
  ['the previous version', { version: 'previous' }],
])('an entry moved to %s does not open, and a generation opens only on its own path', (_, moved) => {
  const sealed = sealEntry(keys, at, head, { value: canary })
  expect(openEntry(keys, { ...at, ...moved }, sealed)).toBeUndefined()
  const isSamePath = 'version' in moved
  expect(openGeneration(keys, { ...at, ...moved }, sealGeneration(keys, at, firstGeneration())) !== undefined).toBe(isSamePath)
})

test('an entry with one bit changed, truncated or lengthened does not open', () => {
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

test('the head of one entry does not open the secret of another: an old value gets no new expiry', () => {
  const [old, later] = [head, { ...head, until: head.until + 1 }].map((each, n) =>
    Buffer.from(sealEntry(keys, at, each, { value: `v${n}` }), 'base64url'),
  ) as [Buffer, Buffer] // two given
  const headEnd = 126
  const mixed = openEntry(keys, at, Buffer.concat([later.subarray(0, headEnd), old.subarray(headEnd)]).toString('base64url'))
  expect([mixed?.until, mixed?.open()]).toEqual([head.until + 1, undefined])
})

test('text that is not an entry opens as undefined', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (nonsense) => openEntry(keys, at, nonsense) === undefined))
  expect(openGeneration(keys, at, sealEntry(keys, at, head, { value: 'v' }))).toBeUndefined()
})

test('an infinite time is left out', () => {
  const sealed = sealEntry(keys, at, head, { value: 'v', expiresAt: Infinity, currentSince: -Infinity })
  expect(openEntry(keys, at, sealed)?.open()).toEqual({ value: 'v' })
})

test('rejecting a text decodes only its first characters, however long it is', () => {
  const decoding = vi.spyOn(Buffer, 'from')
  expect(openEntry(keys, at, 'A'.repeat(10_000_000))).toBeUndefined()
  for (const [given] of decoding.mock.calls) expect(JSON.stringify(given).length).toBeLessThan(1_000)
  decoding.mockRestore()
})

test('a sealed entry reveals no name, value, time or exact length', () => {
  const lengths = ['', canary, canary.repeat(10)].map((value) => {
    const sealed = sealEntry(keys, at, head, { value, revision: canary })
    const bytes = Buffer.from(sealed, 'base64url').toString('latin1')
    for (const word of [canary, 'database', 'aws:1:eu', 'team', 'revision', String(head.until)]) expect(bytes).not.toContain(word)
    return sealed.length
  })
  expect(new Set(lengths).size).toBe(1)
})

test('each entry has a seal key of its own, derived from one key of the ring', () => {
  const [one, other] = [0, 1].map(() => Buffer.from(sealEntry(keys, at, head, { value: 'v' }), 'base64url')) as [Buffer, Buffer] // two given
  const headerEnd = 64
  expect(one.subarray(0, headerEnd).equals(other.subarray(0, headerEnd))).toBe(false)
  const mixed = Buffer.concat([one.subarray(0, headerEnd), other.subarray(headerEnd)]).toString('base64url')
  expect(openEntry(keys, at, mixed)).toBeUndefined()
  expect(openEntry(keysOf(2), at, one.toString('base64url'))).toBeUndefined()
})

test('vector: an entry of format 2 opens', () => {
  const sealed =
    '-vZLObq1usO5oNhS8RzM6ahJRexP7m13wFDCEf27Uw5CHxMzJo1dfXFlDwqqBc8J3O6eWKa77I_FaHzvdmDB-IRWJtjgd5ikdDCfPl-oYUOFKUiLN4NG3RrtcJDpEMQM3haYq2x-PWmz0joUYQM-_WPvMaRzE8e3N7UTANnD2caJgiA3N1MGsmkVqmmDyArc9j1K5gE9oiH0ogDkzBh7qldSOJ_FNCwAXKsq-1Ubty2nyuJxy1_WbeJAysmKEaSVdfMjnCLzeZIIQrao5AcfqoZA0mrbEnPd9V5Xa7-OHrOY9a6p-tyG2bK7LPsHmST0hpP6Bo3YTyzpa4lxwH2GYpik0qe_n4ci9f2b2GBX0884jp94AcmEqkZfA6Ao2V6XX8FjpHNhP6F9BCe35b3XnVtQ8hgHG0BS2L2AvAS2qyxH_aFToU7awjK4VfCoXnL-t1LzfSt55bNG_Rtsz28_W1_2vbxvodl5cFxox7o46PbLWSUullnHG2r0-YAQ29e_hgw_VCTWBN18Qlg2xYDg6sDd3LFt3OFPn5A'
  expect(openEntry(keys, { ...at, path: 'vector' }, sealed)?.open()).toEqual({ value: 'hunter2', version: 2, revision: 'r' })
})

test('vector: a generation of format 2 opens, and key names and channel are unchanged', () => {
  const sealed = 'yj4M6mExt_4Eitl0XH_pVjXwT5OB5WZVhBtA1f29TlGg6PLy2NSS5YqgYS-OepcDhIaxMRFryh8wRR-nzk5_NTVbVMk'
  const path = { ...at, path: 'prod/dätabase' }
  expect(openGeneration(keys, path, sealed)).toEqual({
    id: 'BQUFBQUFBQUFBQUFBQUFBQ',
    leastVersion: 2,
    leastUntil: 1_800_000_900_000,
    invalidatedAt: 1_800_000_000_000,
  })
  const options = { keys, namespace: 'team', keyPrefix: 'fs1:' }
  expect(keyNamesOf(path, options)).toEqual({
    generation: 'fs1:{kKZr0DdQocXoKr5rITc4es-ysMagQkaR}g',
    entry: 'fs1:{kKZr0DdQocXoKr5rITc4es-ysMagQkaR}eiedWeUyEUCo7bWwFDpDeZUHB7WW8wa1-',
    lease: 'fs1:{kKZr0DdQocXoKr5rITc4es-ysMagQkaR}tiedWeUyEUCo7bWwFDpDeZUHB7WW8wa1-',
    outage: 'fs1:{kKZr0DdQocXoKr5rITc4es-ysMagQkaR}diedWeUyEUCo7bWwFDpDeZUHB7WW8wa1-',
  })
  expect(channelOf(options)).toBe('fs1:P34V-nUQ1LyGSKlN02VM94Bx4wAsm_dD')
})
