import {
  assertCredential,
  configurationError,
  type Credential,
  dotenvLines,
  jsonMembers,
  knownOptions,
  type MembersOf,
} from '@finchat/secrets-core/provider'
import { isValidName } from '@finchat/secrets-core'
import { type DocumentProvider, documentProvider, type OpenedSecrets } from '../shared/document-provider.ts'
import { documentManifest } from '../shared/limits.ts'
import { fileMembers, type FileOptions, pathOption } from '../shared/options.ts'
import { decrypterOf } from './identity.ts'
import { openAge } from './open-age.ts'

/** Options of `ageDocument`. `name` is `age` by default. */
export interface AgeDocumentOptions extends FileOptions {
  /** The encrypted file, such as `secrets.json.age`. */
  readonly file: string
  /** The identities that open it, as `age-keygen` writes them; hybrid ones too. */
  readonly identity: Credential
  /** Of the decrypted text. Default: by the name, `….json.age` or `….env.age`. */
  readonly format?: 'json' | 'dotenv' | undefined
}

const members: MembersOf<AgeDocumentOptions> = { ...fileMembers, file: 'any', identity: 'any', format: 'any' }

/**
 * Returns a provider of one file that [age](https://age-encryption.org) encrypted. Its secrets are
 * the members of a JSON object, or the variables of a `.env` file. A member that is no text is its
 * JSON text, so that `db#password` reads a field. Needs the package `age-encryption`,
 * and loads it at the first read. Who wrote the file, age does not tell.
 *
 * Throws `CONFIGURATION` for an invalid option. Reads reject with `INTEGRITY` if the file is
 * damaged. They reject with `CONFIGURATION` if it is missing, for other recipients, larger than 1 MiB
 * or of another format.
 *
 * @example
 * import { writeFileSync } from 'node:fs'
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { ageDocument } from '@finchat/secrets-provider-file/age'
 * import { Encrypter, generateIdentity, identityToRecipient } from 'age-encryption'
 *
 * const identity = await generateIdentity()
 * const encrypter = new Encrypter()
 * encrypter.addRecipient(await identityToRecipient(identity))
 * writeFileSync('secrets.json.age', await encrypter.encrypt('{"db": {"password": "hunter2"}}'))
 * const names = { DB_PASSWORD: 'db#password' }
 * const secrets = createSecretsManager({ providers: [ageDocument({ file: 'secrets.json.age', identity, names })] })
 * console.log(await secrets.getSecret('DB_PASSWORD')) // hunter2
 */
export function ageDocument(given: AgeDocumentOptions): DocumentProvider {
  const options = knownOptions(given, members)
  const { identity, name = 'age' } = options
  const file = pathOption('file', options.file)
  assertCredential(identity, 'the age identity')
  const parse = parserOf(options.format ?? formatOf(file))
  return documentProvider(
    {
      name,
      file,
      manifest: documentManifest,
      checkCredential: (signal) => decrypterOf(identity, signal),
      open: async (content, signal) => {
        const opened = await openAge(content, await decrypterOf(identity, signal), subject)
        return parse(decoded(opened))
      },
    },
    options,
  )
}

const subject = 'the age file'

/** No message of a parser gets out, since those quote the text. */
type Parse = (text: string) => OpenedSecrets

function parserOf(format: unknown): Parse {
  if (format === 'json') return jsonSecrets
  if (format === 'dotenv') return dotenvSecrets
  throw configurationError("`format` is neither 'json' nor 'dotenv'", 'give it, or name the file ….json.age or ….env.age')
}

function formatOf(file: string): AgeDocumentOptions['format'] {
  if (file.endsWith('.json.age')) return 'json'
  return file.endsWith('.env.age') ? 'dotenv' : undefined
}

/** Without a byte order mark. */
function decoded(opened: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(opened)
  } catch {
    throw malformed('is no text in UTF-8')
  } finally {
    opened.fill(0)
  }
}

function malformed(how: string): Error {
  return configurationError(`the content of ${subject} ${how}`, 'correct it, or its `format`')
}

type Members = ReturnType<typeof jsonMembers>

function jsonSecrets(text: string): OpenedSecrets {
  return new Map(membersOf(text).map(({ key, text: json }) => [key, () => textOf(json)]))
}

function membersOf(text: string): Members {
  const found = text.trimStart().startsWith('{') ? parsedMembers(text) : undefined
  if (found === undefined) throw malformed('is no JSON object')
  if (new Set(found.map(({ key }) => key)).size < found.length) throw malformed('has a name twice')
  return found
}

function parsedMembers(text: string): Members | undefined {
  try {
    return jsonMembers(text)
  } catch {
    return undefined
  }
}

/** Of JSON text, that of a string; else as it is written. */
function textOf(json: string): string {
  if (!json.startsWith('"')) return json
  const text = JSON.parse(json) as string // of a string literal
  if (text.isWellFormed()) return text
  throw malformed('has a text with a lone surrogate')
}

/** Where dotenv skips a line, this is an error: the line may be the rest of a value. */
function dotenvSecrets(text: string): OpenedSecrets {
  const lines = [...dotenvLines(text)]
  const skipped = lines.find(({ name }) => name === undefined || !isValidName(name))
  if (skipped !== undefined) throw malformed(`sets no variable in line ${skipped.line}`)
  return new Map(lines.map(({ name = '', value }) => [name, () => value]))
}
