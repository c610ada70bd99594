import type { KeyObject } from 'node:crypto'
import { type Credential, loadCrypto } from '@finchat/secrets-core/provider'
import { decrypterOf } from '../age/identity.ts'
import { notForUs, tryAge } from '../age/open-age.ts'
import { damaged } from './tree.ts'

/** Returns the key of a file's values, which is encrypted to each recipient. */
export async function dataKeyOf(ageKeys: readonly string[], identity: Credential, signal: AbortSignal): Promise<KeyObject> {
  const decrypter = await decrypterOf(identity, signal)
  for (const sealed of ageKeys) {
    const key = await tryAge(Buffer.from(sealed), decrypter, 'the data key of the SOPS file')
    if (key !== undefined) return keyObject(key)
  }
  throw notForUs('the SOPS file')
}

function keyObject(bytes: Uint8Array): KeyObject {
  try {
    if (bytes.length === 32) return loadCrypto().createSecretKey(bytes)
  } finally {
    bytes.fill(0)
  }
  throw damaged('has a data key of another length')
}
