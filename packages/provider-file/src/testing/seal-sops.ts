import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { armor } from 'age-encryption'
import { sealAge } from './seal-age.ts'

/** What a document may hold. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain }

const lastmodified = '2026-11-28T08:00:00Z'

/** Seals a document as sops does, with a MAC; `fixtures/sops` has what sops itself wrote. */
export async function sealSops(secrets: ReadonlyMap<string, Plain>): Promise<Map<string, unknown>> {
  const key = randomBytes(32)
  const hash = createHash('sha512')
  const sealed = new Map<string, unknown>()
  for (const [name, value] of secrets) sealed.set(name, sealNode(value, `${name}:`, key, hash))
  const mac = sealText(hash.digest('hex').toUpperCase(), 'str', lastmodified, key)
  const enc = armor.encode(await sealAge(key))
  return sealed.set('sops', { age: [{ recipient: 'age1', enc }], lastmodified, mac, unencrypted_suffix: '_unencrypted', version: '3.13.3' })
}

function sealNode(value: Plain, path: string, key: Uint8Array, hash: ReturnType<typeof createHash>): unknown {
  if (value === null) return null
  if (Array.isArray(value)) return value.map((item: Plain) => sealNode(item, path, key, hash))
  if (typeof value === 'object') {
    return new Map(Object.entries(value).map(([name, below]) => [name, sealNode(below, `${path}${name}:`, key, hash)]))
  }
  const text = typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value)
  hash.update(text)
  const type = typeof value === 'string' ? 'str' : typeof value === 'boolean' ? 'bool' : Number.isInteger(value) ? 'int' : 'float'
  return text === '' ? '' : sealText(text, type, path, key)
}

/** One value, bound to its place. */
export function sealText(text: string, type: string, additionalData: string, key: Uint8Array): string {
  const iv = randomBytes(32)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(Buffer.from(additionalData))
  const data = Buffer.concat([cipher.update(text), cipher.final()])
  const [first, second, third] = [data, iv, cipher.getAuthTag()].map((bytes) => bytes.toString('base64'))
  return `ENC[AES256_GCM,data:${first},iv:${second},tag:${third},type:${type}]`
}

/** JSON in the order of the maps. */
export function jsonOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(', ')}]`
  if (value instanceof Map) return `{\n${[...value].map(([key, below]) => `\t${JSON.stringify(key)}: ${jsonOf(below)}`).join(',\n')}\n}`
  if (typeof value === 'object' && value !== null) return jsonOf(new Map(Object.entries(value)))
  return JSON.stringify(value)
}
