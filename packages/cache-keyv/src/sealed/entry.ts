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
import { type CacheKeys, format } from './key-ring.ts'
import { secretIn, secretText } from './secret-codec.ts'

/** What is known of an entry before its secret is opened. */
export interface EntryHead {
  /** That of the path when it was written, 16 bytes in base64url. */
  readonly generation: string
  /** When the provider was asked, epoch milliseconds. */
  readonly writtenAt: number
  /** Worthless from then on. */
  readonly until: number
}

export interface OpenedEntry extends EntryHead {
  /** The secret, or `undefined` if this is not what was sealed with this head. */
  readonly open: () => StoredSecret | undefined
}

/** The format, a generation and two times. */
const headBytes = 2 + 16 + 8 + 8
/** 126 bytes: 168 characters of base64url, after which the secret's begin. */
const headEnd = sealKeyLength + sealLength + headBytes
const headCharacters = (headEnd / 3) * 4

/** Where an entry belongs: what is moved to another place does not open there. */
export interface Position extends SharedKey {
  readonly namespace: string
}

/**
 * One entry as text, under a key of its own. It is sealed in two parts, the head and the secret, so that what is over or
 * outdated is told without opening a secret, and not even the times are seen by the store. The secret is sealed to its
 * head and place.
 */
export function sealEntry({ seals }: CacheKeys, at: Position, head: EntryHead, secret: StoredSecret): string {
  const plain = Buffer.alloc(headBytes)
  plain.writeUInt16BE(format)
  Buffer.from(head.generation, 'base64url').copy(plain, 2)
  plain.writeDoubleBE(head.writtenAt, 18)
  plain.writeDoubleBE(head.until, 26)
  const text = secretText(secret)
  const { key, header } = deriveSealKey(seals.entries)
  const sealed = Buffer.concat([header, seal(key, dataOf('head', at), plain), seal(key, secretData(at, head), text)])
  text.fill(0)
  return sealed.toString('base64url')
}

/** The entry, or `undefined` for what none of the keys has sealed for this place: that is told by the first characters, however long it is. */
export function openEntry({ opens }: CacheKeys, at: Position, sealed: string): OpenedEntry | undefined {
  const bytes = Buffer.from(sealed.slice(0, headCharacters), 'base64url')
  for (const { entries } of opens) {
    const key = openSealKey(entries, bytes.subarray(0, sealKeyLength))
    const plain = key && unseal(key, dataOf('head', at), bytes.subarray(sealKeyLength))
    if (key === undefined || plain?.length !== headBytes || plain.readUInt16BE() !== format) continue
    const head = { generation: plain.toString('base64url', 2, 18), writtenAt: plain.readDoubleBE(18), until: plain.readDoubleBE(26) }
    return { ...head, open: () => opened(key, at, head, Buffer.from(sealed.slice(headCharacters), 'base64url')) }
  }
  return undefined
}

function opened(key: KeyObject, at: Position, head: EntryHead, sealed: Uint8Array): StoredSecret | undefined {
  const text = unseal(key, secretData(at, head), sealed)
  if (text === undefined) return undefined
  const secret = secretIn(text)
  text.fill(0)
  return secret
}

function secretData(at: Position, { generation, writtenAt, until }: EntryHead): Buffer {
  return dataOf('secret', at, generation, writtenAt, until)
}

/** What is authenticated with a sealed text and not in it: what it is, and where. */
export function dataOf(kind: string, { namespace, sharedAs, path, version }: Position, ...fields: readonly Field[]): Buffer {
  return lengthPrefixed([format, kind, namespace, sharedAs, path, version, ...fields])
}
