import { type SecretFields, SecretsError, type SecretValue } from '@finchat/secrets-core'
import { hasCode, loadCrypto, textOrBytes } from '@finchat/secrets-core/provider'

/** What a secret holds: text, bytes, or the named fields of a store that keeps several. */
export type Content = string | Uint8Array | SecretFields

/** The bytes of a secret; of several named fields, their JSON text. */
export function wholeBytes(secret: SecretValue): Uint8Array {
  try {
    return secret.bytes()
  } catch (error) {
    if (hasCode(error, 'INVALID_ARGUMENT')) return Buffer.from(secret.jsonText())
    throw error
  }
}

/** Also the fields of a secret that has several, which has no text of its own. */
export function contentOf(secret: SecretValue): Content {
  try {
    return textOrBytes(secret.bytes())
  } catch (error) {
    if (hasCode(error, 'INVALID_ARGUMENT')) return withFields(fieldsOf(secret))
    throw error
  }
}

/** The content in the form of another, so that both can be compared. */
function contentLike(secret: SecretValue, other: Content): Content {
  return isFields(other) ? fieldsOf(secret) : textOrBytes(secret.bytes())
}

export function isFields(content: Content): content is SecretFields {
  return typeof content === 'object' && !(content instanceof Uint8Array)
}

function fieldsOf(secret: SecretValue): SecretFields {
  const fields: unknown = secret.json()
  if (typeof fields === 'object' && fields !== null && Object.values(fields).every((value) => typeof value === 'string'))
    return fields as SecretFields // checked
  throw new SecretsError('INVALID_ARGUMENT', 'it has fields that are no texts', { remedy: 'name each field in names, as path#field' })
}

/** No store can write what has none, or one without a name. */
function withFields(fields: SecretFields): SecretFields {
  const names = Object.keys(fields)
  if (names.length > 0 && !names.includes('')) return fields
  const problem = names.length === 0 ? 'it has no fields' : 'it has a field without a name'
  throw new SecretsError('INVALID_ARGUMENT', problem, { remedy: 'correct it at the source, or leave it out by --only' })
}

/** As a store without fields keeps it. */
export function asStored(content: Content): string | Uint8Array {
  return isFields(content) ? JSON.stringify(content) : content
}

/** In constant time. */
export function isSame(content: Content, secret: SecretValue): boolean {
  const { hash, randomBytes, timingSafeEqual } = loadCrypto()
  const key = randomBytes(32)
  const [one, other] = [content, contentLike(secret, content)].map((each) => hash('sha256', Buffer.concat([key, bytesOf(each)]), 'buffer'))
  return one !== undefined && other !== undefined && timingSafeEqual(one, other)
}

/** Fields in the order of their names, since stores order them as they like. */
function bytesOf(content: Content): Uint8Array {
  if (isFields(content)) return Buffer.from(JSON.stringify(Object.entries(content).toSorted(([one], [other]) => (one < other ? -1 : 1))))
  return typeof content === 'string' ? Buffer.from(content) : content
}
