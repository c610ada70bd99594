import type { KeyObject } from 'node:crypto'
import type { SharedKey, StoredSecret } from '@finchat/secrets-core'
import {
  deriveSealKey,
  type Field,
  lengthPrefixed,
  openSealKey,
  seal,
  sealKeyLength,
  sealLength,
  unseal,
} from '@finchat/secrets-core/sealing'
import { format, type KeyRing, type OpeningKeys } from './key-ring.ts'
import { decodeSecret, encodeSecret } from './secret-codec.ts'

/** The part of an entry that is opened without its secret. */
export interface EntryHead {
  /** The path's generation when the entry was written. */
  readonly generation: string
  /** When the provider was asked, epoch milliseconds. */
  readonly writtenAt: number
  /** Expiry, epoch milliseconds. */
  readonly until: number
}

export interface OpenedEntry extends EntryHead {
  /** The secret; `undefined` if it was not sealed with this head. */
  readonly open: () => StoredSecret | undefined
}

const headBytes = 2 + 16 + 8 + 8
/** 126 bytes, a multiple of three: base64url can be cut there. */
const headEnd = sealKeyLength + sealLength + headBytes
const headCharacters = (headEnd / 3) * 4

/** An entry does not open at another position. */
export interface Position extends SharedKey {
  readonly namespace: string
}

/**
 * Seals head and secret apart, under a key of their own. So a reader rejects an outdated entry
 * without opening the secret. The secret authenticates its head and position.
 */
export function sealEntry({ seals }: KeyRing, at: Position, head: EntryHead, secret: StoredSecret): string {
  const plain = Buffer.alloc(headBytes)
  plain.writeUInt16BE(format)
  Buffer.from(head.generation, 'base64url').copy(plain, 2)
  plain.writeDoubleBE(head.writtenAt, 18)
  plain.writeDoubleBE(head.until, 26)
  const encoded = encodeSecret(secret)
  const { key, header } = deriveSealKey(seals.entries)
  const sealed = Buffer.concat([header, seal(key, authenticated('head', at), plain), seal(key, secretContext(at, head), encoded)])
  encoded.fill(0)
  return sealed.toString('base64url')
}

/** Decodes the head alone, however long the text is. */
export function openEntry({ opens }: OpeningKeys, at: Position, sealed: string): OpenedEntry | undefined {
  const bytes = Buffer.from(sealed.slice(0, headCharacters), 'base64url')
  for (const { entries } of opens) {
    const key = openSealKey(entries, bytes.subarray(0, sealKeyLength))
    const plain = key && unseal(key, authenticated('head', at), bytes.subarray(sealKeyLength))
    if (key === undefined || plain?.length !== headBytes || plain.readUInt16BE() !== format) continue
    const head = { generation: plain.toString('base64url', 2, 18), writtenAt: plain.readDoubleBE(18), until: plain.readDoubleBE(26) }
    return { ...head, open: () => openSecret(key, at, head, Buffer.from(sealed.slice(headCharacters), 'base64url')) }
  }
  return undefined
}

function openSecret(key: KeyObject, at: Position, head: EntryHead, sealed: Uint8Array): StoredSecret | undefined {
  const encoded = unseal(key, secretContext(at, head), sealed)
  if (encoded === undefined) return undefined
  const secret = decodeSecret(encoded)
  encoded.fill(0)
  return secret
}

function secretContext(at: Position, { generation, writtenAt, until }: EntryHead): Buffer {
  return authenticated('secret', at, generation, writtenAt, until)
}

/** Associated data. */
export function authenticated(kind: string, { namespace, sharedAs, path, version }: Position, ...fields: readonly Field[]): Buffer {
  return lengthPrefixed([format, kind, namespace, sharedAs, path, version, ...fields])
}
