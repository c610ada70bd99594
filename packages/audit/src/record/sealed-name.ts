import { loadCrypto, ownMemory } from '@finchat/secrets-core/provider'

/** A key of one name: it seals nothing else, so its nonce need not change. */
export const nameKeyBytes = 32
const [nonceBytes, tagBytes, idBytes, blockBytes] = [12, 16, 16, 32]
const purpose = Buffer.from('finchat audit name v1')
const padding = 0x80

/** `sealed:`, the name's pseudonym, and what only its key opens. */
const sealedForm = /^sealed:([0-9a-f]{32}):([\w-]{64,})$/

/** The same text whenever the same key seals the same name. Its length tells the name's to 32 bytes. */
export function sealedName(key: Uint8Array, name: string): string {
  const bytes = Buffer.from(name)
  const plain = Buffer.alloc(Math.ceil((bytes.length + 1) / blockBytes) * blockBytes)
  plain.set(bytes)
  plain[bytes.length] = padding
  const cipher = loadCrypto().createCipheriv('aes-256-gcm', key, Buffer.alloc(nonceBytes), { authTagLength: tagBytes })
  const sealed = Buffer.concat([cipher.setAAD(purpose).update(plain), cipher.final(), cipher.getAuthTag()])
  return `sealed:${nameIdOf(key)}:${sealed.toString('base64url')}`
}

/** The pseudonym of the name that a key seals. */
export function nameIdOf(key: Uint8Array): string {
  const memory = ownMemory(purpose.length + key.length)
  memory.set(purpose)
  memory.set(key, purpose.length)
  const digest = loadCrypto().hash('sha256', memory, 'buffer')
  memory.fill(0)
  return digest.toString('hex', 0, idBytes)
}

/** The pseudonym in a sealed text; `undefined` for any other text. */
export function pseudonymIn(text: string): string | undefined {
  return sealedForm.exec(text)?.[1]
}

/** `undefined` unless the key seals it so. GCM alone lets one text open under two keys, as two names; padding in full does not. */
export function openedName(key: Uint8Array, text: string): string | undefined {
  const sealed = Buffer.from(sealedForm.exec(text)?.[2] ?? '', 'base64url')
  if (sealed.length <= tagBytes) return undefined
  const decipher = loadCrypto().createDecipheriv('aes-256-gcm', key, Buffer.alloc(nonceBytes), { authTagLength: tagBytes })
  try {
    decipher.setAAD(purpose).setAuthTag(sealed.subarray(-tagBytes))
    const plain = Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()])
    const name = plain.toString('utf8', 0, plain.lastIndexOf(padding))
    return sealedName(key, name) === text ? name : undefined
  } catch {
    return undefined
  }
}
