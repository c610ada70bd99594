import type { KeyObject } from 'node:crypto'
import { loadCrypto, textOrBytes } from '@finchat/secrets-core/provider'
import { damaged, leaf, type Leaf } from './tree.ts'

const start = 'ENC[AES256_GCM,'

/** Whether SOPS encrypted this text. */
export function isSealed(text: string): boolean {
  return text.startsWith(start)
}

interface Sealed {
  readonly data: Buffer
  readonly iv: Buffer
  readonly tag: Buffer
  readonly type: string
}

/** Returns the plain bytes and their type. Throws `INTEGRITY` if they were altered or moved. */
export function openSealed(text: string, key: KeyObject, additionalData: string): { readonly bytes: Buffer; readonly type: string } {
  const { data, iv, tag, type } = parse(text)
  // Without authTagLength, Node accepts tags of four bytes.
  const decipher = loadCrypto().createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 })
  decipher.setAAD(Buffer.from(additionalData))
  decipher.setAuthTag(tag)
  const bytes = decipher.update(data)
  try {
    decipher.final()
    return { bytes, type }
  } catch {
    bytes.fill(0)
    throw damaged('has an altered value')
  }
}

function parse(text: string): Sealed {
  const parts = text.slice(start.length, -1).split(',')
  const [data, iv, tag, type = ''] = ['data:', 'iv:', 'tag:', 'type:'].map((name, index) => partOf(parts[index], name))
  if (!text.endsWith(']') || parts.length !== 4) throw malformed()
  const sealed = { data: fromBase64(data), iv: fromBase64(iv), tag: fromBase64(tag), type }
  if (sealed.iv.length !== 32 || sealed.tag.length !== 16) throw malformed()
  return sealed
}

function partOf(part: string | undefined, name: string): string | undefined {
  return part?.startsWith(name) ? part.slice(name.length) : undefined
}

/** Node ignores what is not base64. */
function fromBase64(text = ''): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw malformed()
  return bytes
}

function malformed(): Error {
  return damaged('has a malformed value')
}

/** What a reader gets of the plain bytes. */
export function plainLeaf(bytes: Buffer, type: string): Leaf {
  const value = textOrBytes(bytes)
  if (type === 'str' || type === 'bytes' || type === 'time') return leaf(value, true)
  if (typeof value !== 'string') throw malformed()
  if (type === 'bool') return leaf(booleanOf(value), false)
  if ((type === 'int' || type === 'float') && isNumber(value)) return leaf(value, false)
  throw malformed()
}

/** SOPS writes them as Python did. */
function booleanOf(text: string): string {
  if (text === 'True') return 'true'
  if (text === 'False') return 'false'
  throw malformed()
}

function isNumber(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'number'
  } catch {
    return false
  }
}
