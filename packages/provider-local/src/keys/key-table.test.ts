import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyBytes } from './key-bytes.ts'
import { deriveKeyRing, type KeySource } from './derive-keys.ts'
import { maxRetired, openRetired, sealRetired, unwrapIndexKey, wipeRetired, wrapIndexKey } from './key-table.ts'
import { newStoreHeader } from './store-header.ts'

const header = newStoreHeader()
const raw = (): KeySource => ({ kind: 'raw', key: KeyBytes.random() })

const retired = expect.objectContaining({ code: 'CONFIGURATION', problem: expect.stringContaining('has retired it') })

test('an unwrapped index key equals the wrapped one and has its own memory', async () => {
  const keyRing = await deriveKeyRing([raw()], header)
  const indexKey = KeyBytes.random()
  const row = wrapIndexKey(indexKey, keyRing.first, header)
  const { bytes } = unwrapIndexKey([row], keyRing, header)
  expect([Buffer.from(bytes), bytes.buffer.byteLength]).toEqual([Buffer.from(indexKey.bytes), 32])
})

test('a wrong key is CONFIGURATION, and an altered key row INTEGRITY', async () => {
  const [ours, theirs] = [await deriveKeyRing([raw()], header), await deriveKeyRing([raw()], header)]
  const row = wrapIndexKey(KeyBytes.random(), ours.first, header)
  expect(() => unwrapIndexKey([row], theirs, header)).toThrow(
    expect.objectContaining({
      code: 'CONFIGURATION',
      problem: 'the encryption key does not open this store',
    }),
  )
  const renamed = { ...row, keyId: theirs.first.id }
  expect(() => unwrapIndexKey([renamed], theirs, header)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }))
})

test('retired ids are read back, only the newest 1,024, under their index key and store alone', () => {
  const [indexKey, other] = [KeyBytes.random(), KeyBytes.random()]
  const ids = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }).map((id) => Buffer.from(id).toString('base64url')))
  fc.assert(
    fc.property(ids, (some) => {
      expect(openRetired(sealRetired(some, indexKey, header), indexKey, header)).toEqual(some)
    }),
  )
  const many = Array.from({ length: maxRetired + 5 }, (_, at) => Buffer.alloc(32, at.toString()).toString('base64url'))
  const sealed = sealRetired(many, indexKey, header)
  expect(openRetired(sealed, indexKey, header)).toEqual(many.slice(5))
  const altered = expect.objectContaining({ code: 'INTEGRITY', problem: "the store's key table was altered" })
  expect(() => openRetired(sealed, other, header)).toThrow(altered)
  expect(() => openRetired(sealed, indexKey, { ...header, storeId: Buffer.alloc(16) })).toThrow(altered)
})

test('only a retired key is wiped, and its refusal says that it is retired', async () => {
  const keyRing = await deriveKeyRing([raw(), raw()], header)
  const [first, second] = [...keyRing.byId.values()]
  wipeRetired(keyRing, [second?.id ?? '', 'unknown'])
  expect(() => second?.values.bytes).toThrow(retired)
  expect(() => second?.wrapping.bytes).toThrow(retired)
  expect(first?.values.bytes).toHaveLength(32)
})
