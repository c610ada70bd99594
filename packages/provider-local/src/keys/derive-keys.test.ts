import { randomBytes } from 'node:crypto'
import { seal, unseal } from '@finchat/secrets-core/sealing'
import { afterEach, expect, test, vi } from 'vitest'
import { failure } from '../testing/temporary-store.ts'
import { KeyBytes } from './key-bytes.ts'
import { deriveKeyRing, type KeySource, wipeKeyRing, withVersionKey } from './derive-keys.ts'
import { unwrapIndexKey, wrapIndexKey } from './key-table.ts'
import { newStoreHeader } from './store-header.ts'

afterEach(() => void vi.restoreAllMocks())

const header = newStoreHeader()
const crypto = process.getBuiltinModule('node:crypto')
const raw = (): KeySource => ({ kind: 'raw', key: KeyBytes.random() })
const passphrase: KeySource = { kind: 'passphrase', text: 'a passphrase of more than 32 bytes, really' }

const isWiped = (bytes: Uint8Array): boolean => bytes.length > 0 && bytes.every((byte) => byte === 0)
const closed = expect.objectContaining({ code: 'ABORTED' })

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
  const { byId } = await deriveKeyRing([source, passphrase], header)
  expect(isWiped(stretched)).toBe(true)
  expect(byId.size).toBe(2)
  expect(source.kind === 'raw' && isWiped(source.key.bytes)).toBe(false)
})

test('a failed derivation wipes the keys derived so far', async () => {
  const wipe = vi.spyOn(KeyBytes.prototype, 'wipe')
  stretchTo(Buffer.alloc(0), new Error('no memory'))
  expect((await failure(deriveKeyRing([raw(), passphrase], header))).code).toBe('UNAVAILABLE')
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
  const deriving = failure(deriveKeyRing([passphrase, source], header))
  if (source.kind === 'raw') source.key.wipe()
  ends[0]?.(null, Buffer.alloc(32, 7))
  expect(await deriving).toEqual(closed)
})

test('a wiped key ring holds zeros and refuses to seal or open', async () => {
  const keyRing = await deriveKeyRing([raw(), raw()], header)
  const indexKey = KeyBytes.random()
  const row = wrapIndexKey(indexKey, keyRing.first, header)
  const bytes = [...keyRing.byId.values()].flatMap(({ values, wrapping }) => [values.bytes, wrapping.bytes])
  wipeKeyRing(keyRing)
  indexKey.wipe()
  expect(bytes.map(isWiped)).toEqual([true, true, true, true])
  expect(() => wrapIndexKey(KeyBytes.random(), keyRing.first, header)).toThrow(closed)
  expect(() => unwrapIndexKey([row], keyRing, header)).toThrow(closed)
  expect(() => withVersionKey(keyRing.first, Buffer.from('place'), (key) => key)).toThrow(closed)
  expect(() => indexKey.bytes).toThrow(closed)
})

test('a version key is wiped after use, also on an error, and differs for each version', async () => {
  const { first } = await deriveKeyRing([raw()], header)
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

test('a key ring needs a key', async () => {
  await expect(deriveKeyRing([], header)).rejects.toMatchObject({ code: 'CONFIGURATION', message: 'no encryption key is given' })
})
