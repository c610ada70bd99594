import { createSecretKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { seal, unseal } from './seal.ts'

afterEach(() => void vi.restoreAllMocks())

/** A vector's members, in hexadecimal. */
type Vector = Readonly<Record<'key' | 'iv' | 'aad' | 'msg' | 'ct' | 'tag' | 'result', string>> & { readonly tcId: number }

function vectors(): Vector[] {
  const text = readFileSync(join(import.meta.dirname, '../../fixtures/vectors/aes-256-gcm.json'), 'utf8')
  return (JSON.parse(text) as { vectors: Vector[] }).vectors // as the folder's README says
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}

describe('sealing, by Wycheproof’s vectors of AES-256-GCM', () => {
  const all = vectors().map((vector) => ({
    ...vector,
    secretKey: createSecretKey(hex(vector.key)),
    associated: hex(vector.aad),
    sealed: Buffer.concat([hex(vector.iv), hex(vector.tag), hex(vector.ct)]),
  }))
  const ours = all.filter(({ iv }) => iv.length === 24)

  test('gives the same nonce, tag and ciphertext', () => {
    for (const { secretKey, associated, sealed, msg, iv, tcId, result } of ours) {
      if (result !== 'valid') continue
      vi.spyOn(process.getBuiltinModule('node:crypto'), 'randomBytes').mockImplementation(() => hex(iv))
      expect(seal(secretKey, associated, hex(msg)), `vector ${tcId}`).toEqual(sealed)
    }
  })

  test('opens only valid ones', () => {
    for (const { secretKey, associated, sealed, msg, tcId, result } of ours) {
      expect(unseal(secretKey, associated, sealed), `vector ${tcId}`).toEqual(result === 'valid' ? hex(msg) : undefined)
    }
    expect(ours.map(({ result }) => result)).toContain('invalid')
  })

  test('refuses a nonce of another length', () => {
    const others = all.filter(({ iv }) => iv.length !== 24)
    expect(others.length).toBeGreaterThan(20)
    for (const { secretKey, associated, sealed, tcId } of others) {
      expect(unseal(secretKey, associated, sealed), `vector ${tcId}`).toBeUndefined()
    }
  })

  test('refuses a shortened tag of any length', () => {
    for (const { secretKey, associated, iv, tag, ct, tcId } of ours) {
      for (let length = 0; length < 16; length++) {
        const cut = Buffer.concat([hex(iv), hex(tag).subarray(0, length), hex(ct)])
        expect(unseal(secretKey, associated, cut), `vector ${tcId}, ${length} bytes`).toBeUndefined()
      }
    }
  })
})
