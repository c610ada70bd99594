import type { SecretProvider, StoredSecret } from '@finchat/secrets-core'
import {
  assertCredential,
  configurationError,
  type Credential,
  knownOptions,
  locator,
  maxSecretFileBytes,
  type MembersOf,
  type Provides,
  readIdentified,
  textOrBytes,
  throwIfAborted,
} from '@finchat/secrets-core/provider'
import { SecretFolder } from '../mounted/secret-folder.ts'
import { ageFilesManifest, ageSuffix, maxEncryptedBytes } from '../shared/limits.ts'
import { fileMembers, type FileOptions, pathOption } from '../shared/options.ts'
import { decrypterOf } from './identity.ts'
import { openAge } from './open-age.ts'

/** Options of `ageFiles`. `name` is `age` by default. */
export interface AgeFilesOptions extends FileOptions {
  /** The folder with one encrypted file, `NAME.age`, for each secret. Nothing outside is read. */
  readonly folder: string
  /** The identities that open the files, as `age-keygen` writes them; hybrid ones too. */
  readonly identity: Credential
}

const members: MembersOf<AgeFilesOptions> = { ...fileMembers, folder: 'any', identity: 'any' }

/** Reads of a folder of age files. */
export type AgeFiles = SecretProvider & Provides<'list' | 'probe' | 'changes' | 'checkHealth' | 'locate'>

/**
 * Returns a provider of a folder of files that [age](https://age-encryption.org) encrypted, one for
 * each secret: `db/password` is `db/password.age`, binary or armored. Needs the package
 * `age-encryption`, and loads it at the first read. Who wrote a file, age does not tell.
 *
 * Throws `CONFIGURATION` for an invalid option. Reads reject with `CONFIGURATION` if a file is for
 * other recipients, with `INTEGRITY` if it is damaged, and as `mountedSecrets` does.
 *
 * @example
 * import { mkdirSync, writeFileSync } from 'node:fs'
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { ageFiles } from '@finchat/secrets-provider-file/age'
 * import { Encrypter, generateHybridIdentity, identityToRecipient } from 'age-encryption'
 *
 * const identity = await generateHybridIdentity()
 * const encrypter = new Encrypter()
 * encrypter.addRecipient(await identityToRecipient(identity))
 * mkdirSync('sealed')
 * writeFileSync('sealed/TOKEN.age', await encrypter.encrypt('hunter2'))
 * const secrets = createSecretsManager({ providers: [ageFiles({ folder: 'sealed', identity })] })
 * console.log(await secrets.getSecret('TOKEN')) // hunter2
 */
export function ageFiles(given: AgeFilesOptions): AgeFiles {
  const options = knownOptions(given, members)
  const { name = 'age', graceSharedAs, identity } = options
  assertCredential(identity, 'the age identity')
  const folder = new SecretFolder(pathOption('folder', options.folder), ageFilesManifest, ageSuffix)
  return {
    specificationVersion: 'v1',
    name,
    ...(graceSharedAs !== undefined && { graceSharedAs }),
    locate: locator(options, ageFilesManifest.canHoldPath),
    get: (path, { signal }) => read(folder, path, identity, signal),
    probe: (path, { signal }) => folder.probe(path, signal),
    list: (prefix, context) => folder.list(prefix, context),
    changes: (listener) => folder.changes.listen(listener),
    checkHealth: async ({ signal }) => {
      await folder.check(signal)
      await decrypterOf(identity, signal)
    },
  }
}

const subject = 'the age file of this secret'

async function read(folder: SecretFolder, path: string, identity: Credential, signal: AbortSignal): Promise<StoredSecret | undefined> {
  const sealed = await folder.ask(path, signal, (handle, named) => readIdentified(handle, named, maxEncryptedBytes))
  if (sealed === undefined) return undefined
  const opened = await openAge(Buffer.from(sealed.value), await decrypterOf(identity, signal), subject)
  const value = valueOf(opened)
  throwIfAborted(signal)
  return { value, revision: sealed.revision }
}

function valueOf(opened: Uint8Array): string | Uint8Array {
  try {
    if (opened.length <= maxSecretFileBytes) return textOrBytes(opened)
  } finally {
    opened.fill(0)
  }
  throw configurationError(`${subject} holds more than ${maxSecretFileBytes} bytes`, 'encrypt one secret')
}
