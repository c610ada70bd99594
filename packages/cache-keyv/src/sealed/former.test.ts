import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { formerDigest, none, openOrder, openSeen, sealOrder, sealSeen } from './former.ts'
import { deriveKeyRing, type KeyRing } from './key-ring.ts'

const ring = (...keys: readonly [Uint8Array, ...Uint8Array[]]): KeyRing =>
  deriveKeyRing([Uint8Array.from(keys[0]), ...keys.slice(1).map((key) => Uint8Array.from(key))], Uint8Array.from(root))
const [root, one, two] = [randomBytes(32), randomBytes(32), randomBytes(32)]
const at = { namespace: 'n', sharedAs: 'store', path: 'a', part: '', graceMs: 600_000 }
const elsewhere = [{ namespace: 'm' }, { sharedAs: 'other' }, { path: 'b' }, { part: '1:x' }, { graceMs: 600_001 }].map((each) => ({
  ...at,
  ...each,
}))
const digest = formerDigest(ring(one), at, Buffer.from('A')).toString('base64url')

describe('what is kept of former values', () => {
  it('opens at its own part alone, with every key of the ring', () => {
    const order = { current: digest, former: none, until: 7 }
    const [sealed, seen] = [sealOrder(ring(one), at, order), sealSeen(ring(one), at, digest, 5)]
    for (const keys of [ring(one), ring(two, one)])
      expect([openOrder(keys, at, sealed), openSeen(keys, at, digest, seen)]).toEqual([order, 5])
    for (const other of elsewhere)
      expect([openOrder(ring(one), other, sealed), openSeen(ring(one), other, digest, seen)]).toEqual([undefined, undefined])
    expect([openOrder(ring(two), at, sealed), openSeen(ring(two), at, digest, seen)]).toEqual([undefined, undefined])
  })

  it('does not open under another digest, or as an entry of the other kind', () => {
    const [sealed, seen] = [sealOrder(ring(one), at, { current: digest, former: none, until: 7 }), sealSeen(ring(one), at, digest, 5)]
    expect(openSeen(ring(one), at, none, seen)).toBeUndefined()
    expect([openSeen(ring(one), at, digest, sealed), openOrder(ring(one), at, seen)]).toEqual([undefined, undefined])
    for (const text of ['', 'AAAA', `${seen}AA`, undefined]) expect(openSeen(ring(one), at, digest, text)).toBeUndefined()
  })

  it('has equal digests while the ring changes, and others for each store, path and part', () => {
    const digestAt = (place: typeof at, keys = ring(one)): string => formerDigest(keys, place, Buffer.from('A')).toString('base64url')
    expect([digestAt(at, ring(two, one)), digestAt({ ...at, graceMs: 1 })]).toEqual([digest, digest])
    for (const other of elsewhere.slice(0, 4)) expect(digestAt(other)).not.toBe(digest)
    expect(digest).toHaveLength(none.length)
  })
})
