import { Encrypter, identityToRecipient } from 'age-encryption'
import { readFileSync } from 'node:fs'
import { identity } from './temporary-files.ts'

/** Of the fixtures' identity. */
export const identityText: string =
  readFileSync(identity.file, 'utf8')
    .split('\n')
    .find((line) => line.startsWith('AGE-SECRET-KEY-')) ?? ''

/** Encrypts to these identities' recipients; to the fixtures' by default. */
export async function sealAge(content: string | Uint8Array, identities: readonly string[] = [identityText]): Promise<Uint8Array> {
  const encrypter = new Encrypter()
  for (const each of identities) encrypter.addRecipient(await identityToRecipient(each))
  return encrypter.encrypt(content)
}
