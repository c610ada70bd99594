import { basename } from 'node:path'
import {
  assertCredential,
  configurationError,
  type Credential,
  knownOptions,
  type MembersOf,
  textOrBytes,
} from '@finchat/secrets-core/provider'
import { decrypterOf } from '../age/identity.ts'
import { type DocumentProvider, documentProvider, type OpenedSecrets } from '../shared/document-provider.ts'
import { sopsManifest } from '../shared/limits.ts'
import { fileMembers, type FileOptions, pathOption } from '../shared/options.ts'
import { dataKeyOf } from './data-key.ts'
import { splitDocument } from './metadata.ts'
import { readDotenv } from './read-dotenv.ts'
import { readJson } from './read-json.ts'
import { readYaml } from './read-yaml.ts'
import { damaged, type Node, valueOf } from './tree.ts'
import { unseal } from './unseal.ts'

/** Options of `sopsDocument`. `name` is `sops` by default. */
export interface SopsDocumentOptions extends FileOptions {
  /** The encrypted file, such as `secrets.enc.yaml`. */
  readonly file: string
  /** The age identities that open it, as `age-keygen` writes them; hybrid ones too. */
  readonly identity: Credential
  /** Of the file. Default: by its name, `….yaml`, `….yml`, `….json` or `….env`. */
  readonly format?: 'yaml' | 'json' | 'dotenv' | undefined
}

const members: MembersOf<SopsDocumentOptions> = { ...fileMembers, file: 'any', identity: 'any', format: 'any' }

/**
 * Returns a provider of one file that [SOPS](https://getsops.io) encrypted to age recipients. Each
 * key at the top is a secret. A map, a list or a number is its JSON text, so that `db#password`
 * reads a field. The MAC is required. Needs the package `age-encryption`, for YAML also `yaml`, and
 * loads them at the first read. Who wrote the file, SOPS does not tell.
 *
 * Throws `CONFIGURATION` for an invalid option. Reads reject with `INTEGRITY` if the file was
 * altered, is no SOPS file, has a key with a colon, or more than 100,000 YAML tokens. So do reads of a value that the MAC
 * does not cover. They reject with `CONFIGURATION` if the file is missing, for other recipients, or
 * larger than 1 MiB.
 *
 * @example
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { sopsDocument } from '@finchat/secrets-provider-file/sops'
 *
 * const sops = sopsDocument({ file: 'secrets.enc.yaml', identity: { file: '/run/age/identity' }, names: { DB_PASSWORD: 'db#password' } })
 * const secrets = createSecretsManager({ providers: [sops] })
 * console.log(await secrets.getSecret('DB_PASSWORD').catch(({ code }) => code)) // CONFIGURATION
 */
export function sopsDocument(given: SopsDocumentOptions): DocumentProvider {
  const options = knownOptions(given, members)
  const { identity, name = 'sops' } = options
  const file = pathOption('file', options.file)
  assertCredential(identity, 'the age identity')
  const read = readerOf(options.format ?? formatOf(file))
  return documentProvider(
    {
      name,
      file,
      manifest: sopsManifest,
      checkCredential: (signal) => decrypterOf(identity, signal),
      open: async (content, signal) => {
        const { entries, metadata } = splitDocument(await read(textOf(content)))
        return secretsIn(unseal({ entries, metadata }, await dataKeyOf(metadata.ageKeys, identity, signal)))
      },
    },
    options,
  )
}

function readerOf(format: unknown): (text: string) => Node | Promise<Node> {
  if (format === 'yaml') return readYaml
  if (format === 'json') return readJson
  if (format === 'dotenv') return readDotenv
  throw configurationError("`format` is none of 'yaml', 'json' and 'dotenv'", 'give it, or name the file ….yaml, ….json or ….env')
}

function formatOf(file: string): SopsDocumentOptions['format'] {
  const ending = basename(file).split('.').at(-1)
  if (ending === 'yaml' || ending === 'yml') return 'yaml'
  if (ending === 'json') return 'json'
  return ending === 'env' ? 'dotenv' : undefined
}

function textOf(content: Uint8Array): string {
  const text = textOrBytes(content)
  if (typeof text === 'string') return text
  throw damaged('is no text in UTF-8')
}

function secretsIn(entries: ReturnType<typeof unseal>): OpenedSecrets {
  return new Map(entries.map(([key, node]) => [key, () => valueOf(node)]))
}
