export { type Field, lengthPrefixed, prefixLength } from './length-prefixed.ts'
export { seal, sealLength, unseal } from './seal.ts'
