import type { KeyObject } from 'node:crypto'
import type { SharedKey, StoredSecret } from '@finchat/secrets-core'
import { type Field, lengthPrefixed, seal, sealLength, unseal } from '@finchat/secrets-core/sealing'
import { type CacheKeys, format } from './cache-keys.ts'
import { secretIn, secretText } from './secret-text.ts'

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

/** A generation and two times. */
const headBytes = 16 + 8 + 8
/** 60 bytes: 80 characters of base64url, after which the secret's begin. */
const headEnd = sealLength + headBytes
const headCharacters = (headEnd / 3) * 4

/** Where an entry belongs: what is moved to another place does not open there. */
export interface Position extends SharedKey {
  readonly namespace: string
}

/**
 * One entry as text. It is sealed in two parts, the head and the secret, so that what is over or outdated is told without opening a secret,
 * and not even the times are seen by the store. The secret is sealed to its head and place.
 */
export function sealEntry({ seals }: CacheKeys, at: Position, head: EntryHead, secret: StoredSecret): string {
  const plain = Buffer.alloc(headBytes)
  Buffer.from(head.generation, 'base64url').copy(plain)
  plain.writeDoubleBE(head.writtenAt, 16)
  plain.writeDoubleBE(head.until, 24)
  const text = secretText(secret)
  const sealed = Buffer.concat([seal(seals, dataOf('head', at), plain), seal(seals, secretData(at, head), text)])
  text.fill(0)
  return sealed.toString('base64url')
}

/** The entry, or `undefined` for what none of the keys has sealed for this place: that is told by the first characters, however long it is. */
export function openEntry({ opens }: CacheKeys, at: Position, sealed: string): OpenedEntry | undefined {
  const bytes = Buffer.from(sealed.slice(0, headCharacters), 'base64url')
  for (const key of opens) {
    const plain = unseal(key, dataOf('head', at), bytes)
    if (plain?.length !== headBytes) continue
    const head = { generation: plain.toString('base64url', 0, 16), writtenAt: plain.readDoubleBE(16), until: plain.readDoubleBE(24) }
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
