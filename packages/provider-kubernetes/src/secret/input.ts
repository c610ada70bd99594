import { type NewSecret, SecretsError } from '@finchat/secrets-core'
import { assertValue, assertVersionNumber, invalidArgument, isJsonObject } from '@finchat/secrets-core/provider'
import { limits } from '../shared/manifest.ts'
import { annotationsOf } from './annotations.ts'

/** Kubernetes keeps only named fields; a plain text is kept in this one. */
const textField = 'value'

export interface CheckedSecret {
  /** In base64, by field. */
  readonly fields: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string | null>>
  readonly ifCurrent: NewSecret['ifCurrent']
}

/** Throws `INVALID_ARGUMENT` if Kubernetes could not return the secret exactly. */
export function checkedSecret({ value, shape, version, ifCurrent, tags = {} }: NewSecret): CheckedSecret {
  if (version !== undefined) assertVersionNumber(version)
  const fields = shape === 'map' ? fieldsIn(value) : { [textField]: encoded(value) }
  assertSize(fields)
  const annotations = annotationsOf(tags)
  if (version !== undefined) throw new SecretsError('UNSUPPORTED', 'Kubernetes numbers no versions', { remedy: 'write without a version' })
  return { fields, annotations, ifCurrent }
}

/** The limit of Kubernetes is for all fields together. */
export function assertSize(fields: Readonly<Record<string, string>>): void {
  const bytes = Object.values(fields).reduce((sum, field) => sum + Buffer.byteLength(field, 'base64'), 0)
  if (bytes > limits.dataBytes) throw invalidArgument('the fields are too long together', `a secret has at most ${limits.dataBytes} bytes`)
}

function encoded(value: unknown): string {
  assertValue(value, { minBytes: 0, maxBytes: limits.dataBytes, binary: false })
  return Buffer.from(value).toString('base64')
}

function fieldsIn(value: unknown): Record<string, string> {
  assertValue(value, { minBytes: 0, maxBytes: Infinity, binary: false })
  return Object.fromEntries(Object.entries(parsed(String(value))).map(([name, field]) => [fieldName(name), fieldText(field)]))
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const fields: unknown = JSON.parse(text)
    if (isJsonObject(fields)) return fields
  } catch {
    // The parser's own message would quote the value.
  }
  throw invalidArgument('a secret with fields is a JSON object, which this is not', 'write { "field": "value" }, or a plain text')
}

function fieldName(name: string): string {
  if (/^[-._a-zA-Z0-9]{1,253}$/.test(name) && name !== '.' && !name.startsWith('..')) return name
  throw invalidArgument('a field has a name that Kubernetes cannot hold', 'use 1 to 253 letters, digits, -, _ and .')
}

function fieldText(field: unknown): string {
  if (typeof field === 'string') return encoded(field)
  throw invalidArgument('a field is no text, and Kubernetes would not give it back as it is', 'write it as text')
}
