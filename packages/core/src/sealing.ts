export { type EncryptionKey, generateKey, type KeyMaterial, parseKey } from './encryption-key.ts'
export { type Field, lengthPrefixed, prefixLength } from './length-prefixed.ts'
export type { SealingKey } from './raw-key.ts'
export { mac, seal, sealLength, unseal } from './seal.ts'
