import { randomBytes } from 'node:crypto'
import { seal, unseal } from '@finchat/secrets-core/sealing'
import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { failure } from '../testing/temporary-store.ts'
import { KeyBytes } from './key-bytes.ts'
import {
  deriveKeyring,
  type KeySource,
  maxRetired,
  openRetired,
  sealRetired,
  unwrapIndexKey,
  wipeKeyring,
  wipeRetired,
  withVersionKey,
  wrapIndexKey,
} from './keyring.ts'
import { newStoreHeader } from './store-header.ts'

afterEach(() => void vi.restoreAllMocks())

const header = newStoreHeader()
const crypto = process.getBuiltinModule('node:crypto')
const raw = (): KeySource => ({ kind: 'raw', key: KeyBytes.random() })
const passphrase: KeySource = { kind: 'passphrase', text: 'a passphrase of more than 32 bytes, really' }

const isWiped = (bytes: Uint8Array): boolean => bytes.length > 0 && bytes.every((byte) => byte === 0)
const closed = expect.objectContaining({ code: 'ABORTED' })
const retired = expect.objectContaining({ code: 'CONFIGURATION', problem: expect.stringContaining('has retired it') })

/** The result of the next scrypt call. */
function stretchTo(derived: Buffer, error: Error | null = null): void {
  vi.spyOn(crypto, 'scrypt').mockImplementation((...args: unknown[]) => {
    // its last argument
    const callback = args.at(-1) as (error: Error | null, derived: Buffer) => void
    callback(error, derived)
  })
}

test('a stretched passphrase is wiped after derivation, and a raw key is left to its owner', async () => {
  const stretched = Buffer.alloc(32, 7)
  stretchTo(stretched)
  const source = raw()
  const { byId } = await deriveKeyring([source, passphrase], header)
  expect(isWiped(stretched)).toBe(true)
  expect(byId.size).toBe(2)
  expect(source.kind === 'raw' && isWiped(source.key.bytes)).toBe(false)
})

test('a failed derivation wipes the keys derived so far', async () => {
  const wipe = vi.spyOn(KeyBytes.prototype, 'wipe')
  stretchTo(Buffer.alloc(0), new Error('no memory'))
  expect((await failure(deriveKeyring([raw(), passphrase], header))).code).toBe('UNAVAILABLE')
  const wiped = wipe.mock.contexts as KeyBytes[] // the spied method's
  expect(wiped).toHaveLength(2)
  for (const key of wiped) expect(() => key.bytes).toThrow(closed)
})

test('a wiped key is refused, and no key is derived from zeros', async () => {
  const source = raw()
  const ends: ((error: null, derived: Buffer) => void)[] = []
  vi.spyOn(crypto, 'scrypt').mockImplementation((...args: unknown[]) => {
    ends.push(args.at(-1) as (error: null, derived: Buffer) => void) // its last argument
  })
  const deriving = failure(deriveKeyring([passphrase, source], header))
  if (source.kind === 'raw') source.key.wipe()
  ends[0]?.(null, Buffer.alloc(32, 7))
  expect(await deriving).toEqual(closed)
})

test('a wiped keyring holds zeros and refuses to seal or open', async () => {
  const keyring = await deriveKeyring([raw(), raw()], header)
  const indexKey = KeyBytes.random()
  const row = wrapIndexKey(indexKey, keyring.first, header)
  const bytes = [...keyring.byId.values()].flatMap(({ values, wrapping }) => [values.bytes, wrapping.bytes])
  wipeKeyring(keyring)
  indexKey.wipe()
  expect(bytes.map(isWiped)).toEqual([true, true, true, true])
  expect(() => wrapIndexKey(KeyBytes.random(), keyring.first, header)).toThrow(closed)
  expect(() => unwrapIndexKey([row], keyring, header)).toThrow(closed)
  expect(() => withVersionKey(keyring.first, Buffer.from('place'), (key) => key)).toThrow(closed)
  expect(() => indexKey.bytes).toThrow(closed)
})

test('a version key is wiped after use, also on an error, and differs for each version', async () => {
  const { first } = await deriveKeyring([raw()], header)
  const used: Uint8Array[] = []
  const keyAt = (place: string): Buffer =>
    withVersionKey(first, Buffer.from(place), (key) => {
      used.push(key)
      return Buffer.from(key)
    })
  expect(keyAt('one')).toEqual(keyAt('one'))
  expect(keyAt('one')).not.toEqual(keyAt('other'))
  const failing = (key: Uint8Array): never => {
    used.push(key)
    throw new Error('failed')
  }
  expect(() => withVersionKey(first, Buffer.from('place'), failing)).toThrow('failed')
  expect(used.map(isWiped)).toEqual([true, true, true, true, true])
})

test('an unwrapped index key equals the wrapped one and has its own memory', async () => {
  const keyring = await deriveKeyring([raw()], header)
  const indexKey = KeyBytes.random()
  const row = wrapIndexKey(indexKey, keyring.first, header)
  const { bytes } = unwrapIndexKey([row], keyring, header)
  expect([Buffer.from(bytes), bytes.buffer.byteLength]).toEqual([Buffer.from(indexKey.bytes), 32])
})

test('plaintext with an invalid seal is wiped', () => {
  const key = randomBytes(32)
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

test('a keyring needs a key', async () => {
  await expect(deriveKeyring([], header)).rejects.toMatchObject({ code: 'CONFIGURATION', message: 'no encryption key is given' })
})

test('a wrong key is CONFIGURATION, and an altered key row INTEGRITY', async () => {
  const [ours, theirs] = [await deriveKeyring([raw()], header), await deriveKeyring([raw()], header)]
  const row = wrapIndexKey(KeyBytes.random(), ours.first, header)
  expect(() => unwrapIndexKey([row], theirs, header)).toThrow(
    expect.objectContaining({
      code: 'CONFIGURATION',
      problem: 'the encryption key is not the key of this store, or `reencrypt` has retired it',
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
  const keyring = await deriveKeyring([raw(), raw()], header)
  const [first, second] = [...keyring.byId.values()]
  wipeRetired(keyring, [second?.id ?? '', 'unknown'])
  expect(() => second?.values.bytes).toThrow(retired)
  expect(() => second?.wrapping.bytes).toThrow(retired)
  expect(first?.values.bytes).toHaveLength(32)
})
