import { resolve } from 'node:path'
import type { Environment } from '@finchat/secrets-core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { writeKeychain } from '../config/keychain.ts'
import { inProject, withInstallCommand } from '../config/project-package.ts'
import { loadPackage } from '../config/provider-packages.ts'
import { assertNew, writeOutput } from '../files/output-file.ts'
import { ignoreKey } from './ignored-files.ts'

/** A key as text, and for an age identity what others encrypt for. */
export interface NewKey {
  readonly text: string
  readonly recipient?: string
}

/** 32 random bytes, as core reads them. */
export async function newStoreKey(): Promise<NewKey> {
  const sealing = { what: 'the maker of keys', name: '@finchat/secrets-core' }
  const { generateKey } = await loadOnUse(sealing, () => import('@finchat/secrets-core/sealing'), 'generateKey')
  return { text: generateKey() }
}

type Age = typeof import('age-encryption')

/** An age identity: X25519, or with ML-KEM beside it. */
export async function newAgeIdentity(isPostQuantum: boolean, folder: string): Promise<NewKey> {
  const loaded = { what: 'an age identity', name: 'age-encryption' }
  const age = await loadOnUse(
    loaded,
    async (): Promise<Age> => (inProject(loaded.name, folder)?.() as Age | undefined) ?? import('age-encryption'),
    'generateX25519Identity',
  ).catch(withInstallCommand(loaded, folder))
  const text = await (isPostQuantum ? age.generateHybridIdentity() : age.generateX25519Identity())
  return { text, recipient: await age.identityToRecipient(text) }
}

type SigningKeys = typeof import('@finchat/secrets-rotation/signing-keys')
export type SigningAlgorithm = NonNullable<Parameters<SigningKeys['newKeyRing']>[0]>

/** The first value of a secret that the target `signingKeys` rotates. */
export async function newSigningKeys(algorithm: SigningAlgorithm, folder: string): Promise<NewKey> {
  const { newKeyRing } = await loadPackage<SigningKeys>('@finchat/secrets-rotation/signing-keys', 'newKeyRing', folder)
  return { text: await newKeyRing(algorithm) }
}

/** Where a key is kept; neither place is ever overwritten. */
export type KeptIn = { readonly file: string } | { readonly keychain: string }

/**
 * In a file that only its owner may read, and that git ignores, or in an entry of the keychain. Returns
 * the new entries of `.gitignore`.
 */
export async function keepKey(key: NewKey, place: KeptIn, folder: string, env: Environment): Promise<readonly string[]> {
  if ('keychain' in place) {
    await writeKeychain(place.keychain, key.text, folder)
    return []
  }
  const file = resolve(folder, place.file)
  assertNew(file)
  const entries = await ignoreKey(file, env)
  await writeOutput(file, fileText(key))
  return entries
}

/** As age-keygen writes it: who has the file finds there what others encrypt for. */
function fileText({ text, recipient }: NewKey): string {
  return recipient === undefined ? `${text}\n` : `# public key: ${recipient}\n${text}\n`
}
