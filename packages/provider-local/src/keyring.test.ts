import { afterEach, expect, test, vi } from 'vitest'
import { seal, unseal } from '@finchat/secrets-core/sealing'
import { generateKey, parseKey } from './key.ts'
import { deriveKeyring, newIndexKey, unwrapIndexKey, wrapIndexKey } from './keyring.ts'
import { newStoreHeader } from './store-header.ts'

afterEach(() => void vi.restoreAllMocks())

const header = newStoreHeader()
const crypto = process.getBuiltinModule('node:crypto')

/** Every run of bytes from which a secret key is made, as the maker left it. */
function keySources(): readonly Uint8Array[] {
  const made: Uint8Array[] = []
  const createSecretKey = crypto.createSecretKey.bind(crypto)
  vi.spyOn(crypto, 'createSecretKey').mockImplementation(((bytes: Uint8Array) => {
    made.push(bytes)
    return createSecretKey(bytes)
  }) as typeof crypto.createSecretKey) // the overload that is used
  return made
}

const isWiped = (bytes: Uint8Array): boolean => bytes.length > 0 && bytes.every((byte) => byte === 0)

test('nothing of the bytes that keys are derived from, or made of, stays', async () => {
  const sources = keySources()
  const derive = vi.spyOn(crypto, 'hkdfSync')
  const [raw, passphrase] = [parseKey(generateKey()), parseKey('a passphrase of more than 32 bytes, really')]
  const stretched = Buffer.alloc(32, 7)
  vi.spyOn(crypto, 'scrypt').mockImplementation((...args: unknown[]) => {
    const callback = args.at(-1) as (error: null, derived: Buffer) => void // its last argument
    callback(null, stretched)
  })
  await deriveKeyring([raw, passphrase], header)
  newIndexKey()
  expect(sources.map(isWiped)).toEqual(Array.from({ length: 7 }, () => true))
  expect(derive.mock.calls.map(([, root]) => isWiped(root as Buffer))).toEqual(Array.from({ length: 6 }, () => true)) // as it is called
  expect(isWiped(stretched)).toBe(true)
  // The user's own key is wiped by whoever closes the store.
  expect(raw.kind === 'raw' && isWiped(raw.bytes)).toBe(false)
})

test("nothing of the index's key stays after it was wrapped and unwrapped", async () => {
  const keyring = await deriveKeyring([parseKey(generateKey())], header)
  const indexKey = newIndexKey()
  const exported = vi.spyOn(indexKey, 'export')
  const row = wrapIndexKey(indexKey, keyring.first, header)
  expect(exported.mock.results.map(({ value }) => isWiped(value as Buffer))).toEqual([true]) // a secret key's
  const sources = keySources()
  expect(unwrapIndexKey([row], keyring, header).equals(indexKey)).toBe(true)
  expect(sources.map(isWiped)).toEqual([true])
})

test('nothing of a text whose seal does not hold stays', () => {
  const key = newIndexKey()
  const sealed = seal(key, Buffer.alloc(0), Buffer.from('a value'))
  const updated: Buffer[] = []
  const original = crypto.createDecipheriv
  vi.spyOn(crypto, 'createDecipheriv').mockImplementation((...args: Parameters<typeof original>) => {
    const made = Reflect.apply(original, crypto, args)
    const update = made.update.bind(made)
    made.update = ((text: Buffer) => {
      updated.push(update(text))
      return updated.at(-1)
    }) as typeof made.update // the overload that is used
    return made
  })
  expect(unseal(key, Buffer.from('other data'), sealed)).toBeUndefined()
  expect(updated.map(isWiped)).toEqual([true])
})

test('without a key there is no keyring', async () => {
  await expect(deriveKeyring([], header)).rejects.toMatchObject({ code: 'CONFIGURATION', message: 'no encryption key is given' })
})

test("a key that is not the store's is told from one that was retired", async () => {
  const [ours, theirs] = await Promise.all([1, 2].map(async () => deriveKeyring([parseKey(generateKey())], header)))
  if (ours === undefined || theirs === undefined) throw new Error('two were made')
  const row = wrapIndexKey(newIndexKey(), ours.first, header)
  expect(() => unwrapIndexKey([row], theirs, header)).toThrow(
    expect.objectContaining({ code: 'CONFIGURATION', problem: 'the encryption key is not the key of this store' }),
  )
  const retired = { keyId: theirs.first.id, wrapped: undefined }
  expect(() => unwrapIndexKey([row, retired], theirs, header)).toThrow(
    expect.objectContaining({ code: 'CONFIGURATION', problem: expect.stringContaining('has retired it') }),
  )
})
