export {
  type Jwks,
  jwksOf,
  newKeyRing,
  type RingKey,
  type SigningAlgorithm,
  type SigningKey,
  signingKeyOf,
} from './targets/signing-keys/key-ring.ts'
export { signingKeys, type SigningKeysOptions } from './targets/signing-keys/signing-keys.ts'
