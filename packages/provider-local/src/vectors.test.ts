import { createDecipheriv, createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { lengthPrefixed, unseal } from '@finchat/secrets-core/sealing'
import { describe, expect, test } from 'vitest'
import { KeyBytes } from './keys/key-bytes.ts'
import { deriveKeyRing, type StoreKey, withVersionKey } from './keys/derive-keys.ts'
import { openRetired, sealRetired } from './keys/key-table.ts'
import type { StoreHeader } from './keys/store-header.ts'
import { indexDigests } from './merkle/index-digests.ts'
import { referenceHkdf, referenceHmac } from './testing/reference-crypto.ts'
import { context, key as testKey, temporaryPath, within } from './testing/temporary-store.ts'

/** Members in hexadecimal; only `size` is a number. */
type Vector<Member extends string> = Readonly<Record<Member | 'result', string>> & { readonly tcId: number }

function vectors<Member extends string>(file: string): Vector<Member>[] {
  const text = readFileSync(join(import.meta.dirname, '../fixtures/vectors', file), 'utf8')
  // as the file's own README says
  return (JSON.parse(text) as { vectors: Vector<Member>[] }).vectors
}

/** NIST SP 800-56C, section 4: SHA-256 of a counter, the key and what the derived key is for. */
function versionKey(values: Buffer, place: Buffer): Buffer {
  return createHash('sha256')
    .update(Buffer.of(0, 0, 0, 1))
    .update(values)
    .update(place)
    .digest()
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}

const header: StoreHeader = { storeId: Buffer.alloc(16, 1), salt: Buffer.alloc(32, 2), scrypt: { log2N: 16, r: 8, p: 1 } }

describe('HMAC-SHA256', () => {
  test('matches Wycheproof and RFC 4231', () => {
    for (const { key, msg, tag, result, tcId } of vectors<'key' | 'msg' | 'tag'>('hmac-sha256.json')) {
      expect(referenceHmac(hex(key), hex(msg)).equals(hex(tag)), `vector ${tcId}`).toBe(result === 'valid')
    }
    // RFC 4231, test cases 2 and 6: a short key, and one longer than a block
    expect(referenceHmac(Buffer.from('Jefe'), Buffer.from('what do ya want for nothing?')).toString('hex')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
    expect(
      referenceHmac(Buffer.alloc(131, 0xaa), Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First')).toString('hex'),
    ).toBe('60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54')
  })

  test("authenticates the index root and the store's header", () => {
    const [key, buckets, wrapped, retired] = [Buffer.alloc(32, 3), Buffer.alloc(64 * 32, 4), Buffer.alloc(60, 5), Buffer.alloc(28, 6)]
    const keys = ['one', 'other'].map((keyId) => ({ keyId, wrapped }))
    const store = ['finchat-secrets/local/root', 3, header.storeId, header.salt, 16, 8, 1]
    const text = Buffer.concat([lengthPrefixed([...store, 2, 'one', wrapped, 'other', wrapped, retired, 7]), buckets])
    expect(indexDigests(header).root(new KeyBytes(key), 7, { wrapped: keys, retired }, buckets)).toEqual(referenceHmac(key, text))
  })
})

describe('SHA-256 of each level below the root', () => {
  const { version, node, record, leaf, bucket } = indexDigests(header)
  const sha256 = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()
  const begin = (level: string): Buffer => lengthPrefixed([`finchat-secrets/local/${level}`, 3, header.storeId])

  test('a secret, a version and a node, each with its path', () => {
    const [root, seal] = [Buffer.alloc(33, 7), Buffer.alloc(28, 1)]
    expect(record('name', { facts: 'facts', root })).toEqual(sha256(begin('secret'), lengthPrefixed(['name', 'facts', root])))
    expect(version('name', { version: 5, facts: 'of 5', seal })).toEqual(
      sha256(begin('version'), lengthPrefixed(['name', 5, 'of 5', seal])),
    )
    expect(node('name', 2, 3, root)).toEqual(sha256(begin('node'), lengthPrefixed(['name', 2, 3, root])))
  })

  test('a leaf and a bucket, each with its level', () => {
    const text = Buffer.alloc(64 * 32, 6)
    expect(leaf(text)).toEqual(sha256(begin('leaf'), text))
    expect(bucket(text)).toEqual(sha256(begin('bucket'), text))
  })
})

describe('HKDF-SHA256', () => {
  test('matches RFC 5869 and Wycheproof', () => {
    for (const { ikm, salt, info, size, okm, tcId } of vectors<'ikm' | 'salt' | 'info' | 'size' | 'okm'>('hkdf-sha256.json')) {
      expect(referenceHkdf(hex(ikm), hex(salt), hex(info), Number(size)), `vector ${tcId}`).toEqual(hex(okm))
    }
  })

  test('derives the keys of a store', async () => {
    const bytes = Buffer.alloc(32, 5)
    const { first } = await deriveKeyRing([{ kind: 'raw', key: new KeyBytes(bytes) }], header)
    const derived = (purpose: string): Buffer => referenceHkdf(bytes, header.salt, Buffer.from(`finchat-secrets/local/2/${purpose}`), 32)
    expect(first.values.bytes).toEqual(derived('values'))
    expect(first.wrapping.bytes).toEqual(derived('wrapping'))
    expect(first.id).toBe(derived('id').toString('base64url'))
  })

  test('does not derive version keys: those use the one step of NIST SP 800-56C', () => {
    const [values, place] = [Buffer.alloc(32, 6), Buffer.from('place')]
    const key: StoreKey = { id: 'id', values: new KeyBytes(values), wrapping: new KeyBytes(values) }
    expect(withVersionKey(key, place, Buffer.from)).toEqual(versionKey(values, place))
  })

  test('derives the key that seals retired ids', () => {
    const indexKey = new KeyBytes(Buffer.alloc(32, 7))
    const ids = [1, 2, 3].map((byte) => Buffer.alloc(32, byte).toString('base64url'))
    const sealed = sealRetired(ids, indexKey, header)
    const key = referenceHkdf(indexKey.bytes, header.salt, Buffer.from('finchat-secrets/local/2/retired'), 32)
    expect(unseal(key, lengthPrefixed(['finchat-secrets/local/retired-keys', 2, header.storeId]), sealed)).toEqual(
      Buffer.concat([1, 2, 3].map((byte) => Buffer.alloc(32, byte))),
    )
    expect(openRetired(sealed, indexKey, header)).toEqual(ids)
  })
})

test('stretching a passphrase matches scrypt of RFC 7914', async () => {
  // The third vector of section 12; its first 32 of 64 bytes are the output for length 32.
  const stretched = '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2'
  const own: StoreHeader = { ...header, salt: Buffer.from('SodiumChloride'), scrypt: { log2N: 14, r: 8, p: 1 } }
  const { first } = await deriveKeyRing([{ kind: 'passphrase', text: 'pleaseletmein' }], own)
  expect(first.values.bytes).toEqual(referenceHkdf(hex(stretched), own.salt, Buffer.from('finchat-secrets/local/2/values'), 32))
})

test('a value in a file opens by AES-256-GCM under its version key alone', async () => {
  const path = temporaryPath()
  await within(path, async (provider) => {
    for (const value of ['one', 'two']) await provider.put('name', { value }, context)
  })
  const sqlite = new DatabaseSync(path)
  // columns of BLOBs
  const { store_id: storeId, salt } = sqlite.prepare('SELECT * FROM store').get() as Record<string, Uint8Array>
  const rows = sqlite.prepare('SELECT version, sealed FROM secrets WHERE version > 0 ORDER BY version').all()
  sqlite.close()
  const derived = (purpose: string): Buffer =>
    referenceHkdf(testKey, salt ?? Buffer.alloc(0), Buffer.from(`finchat-secrets/local/2/${purpose}`), 32)
  const opens = (place: Buffer, sealed: Buffer, under: Buffer): string => {
    const decipher = createDecipheriv('aes-256-gcm', under, sealed.subarray(0, 12)).setAAD(place).setAuthTag(sealed.subarray(12, 28))
    return decipher.update(sealed.subarray(28)).toString() + decipher.final('utf8')
  }
  const values = rows.map(({ version, sealed }) => {
    const text = Buffer.from(sealed as Uint8Array) // a BLOB
    const id = derived('id').toString('base64url')
    const place = lengthPrefixed(['finchat-secrets/local/value', 2, storeId, 'name', Number(version), id])
    expect(() => opens(place, text, derived('values'))).toThrow('authenticate')
    return opens(place, text, versionKey(derived('values'), place))
  })
  expect(values).toEqual(['one', 'two'])
})
