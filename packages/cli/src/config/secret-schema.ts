import type { SecretSpec, StandardSchemaV1 } from '@finchat/secrets-core'
import type { DeclaredSecret, SecretType } from './config.ts'

/** What `loadSecrets` of core reads for these declarations, each checked against what is declared. */
export function specsOf(declared: Readonly<Record<string, DeclaredSecret>>): Readonly<Record<string, SecretSpec>> {
  return Object.fromEntries(
    Object.entries(declared).map(([key, secret]) => [key, { name: secret.name ?? key, field: secret.field, schema: schemaOf(secret) }]),
  )
}

/** A missing secret passes if it is not required. */
function schemaOf({ required = true, type = 'text', minLength = 0 }: DeclaredSecret): StandardSchemaV1<string | undefined> {
  const isRight = (value: unknown): value is string | undefined =>
    value === undefined ? !required : typeof value === 'string' && Array.from(value).length >= minLength && checks[type](value)
  return {
    '~standard': {
      version: 1,
      vendor: 'finchat-secrets',
      validate: (value) => (isRight(value) ? { value } : { issues: [{ message: `it is no ${type} of ${minLength} characters or more` }] }),
    },
  }
}

/** Without regular expressions: RegExp.input would keep a value. */
const checks: Readonly<Record<SecretType, (value: string) => boolean>> = {
  text: () => true,
  integer: (value) => String(Math.trunc(Number(value))) === value && Number.isSafeInteger(Number(value)),
  boolean: (value) => value === 'true' || value === 'false',
  url: (value) => URL.canParse(value),
  json: isJson,
}

function isJson(value: string): boolean {
  try {
    JSON.parse(value)
    return true
  } catch {
    return false
  }
}
