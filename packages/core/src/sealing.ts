export { type EncryptionKey, generateKey, type KeyMaterial, parseKey } from './encryption-key.ts'
export { type Field, lengthPrefixed, prefixLength } from './length-prefixed.ts'
export { seal, sealLength, unseal } from './seal.ts'
