import { SecretsError, type SecretValue } from '@finchat/secrets-core'
import { counted } from '../terminal/counted.ts'
import type { DeclaredSecret, SecretType } from '../config/config.ts'

/** Which rule of its declaration a secret breaks, in words without the value; `undefined` if none. */
export function brokenRule(declared: DeclaredSecret, secret: SecretValue): string | undefined {
  try {
    return brokenByText(declared, secret.reveal())
  } catch (error) {
    if (!SecretsError.isInstance(error) || error.code !== 'INVALID_ARGUMENT') throw error
    return wordsOf(error) // bytes, or several fields
  }
}

/** Of a secret that has no text, or of a field that it does not have. */
export function wordsOf({ problem }: SecretsError): string {
  return problem === 'the secret has several fields' ? `${problem}: declare one by "field", or the whole as type json` : problem
}

/** As `brokenRule`, of a text. */
export function brokenByText({ type = 'text', minLength = 0 }: DeclaredSecret, text: string): string | undefined {
  if (Array.from(text).length < minLength) return `it is shorter than ${counted(minLength, 'character')} (minLength)`
  const { isRight, wrong } = types[type]
  return isRight(text) ? undefined : `it is ${wrong} (type ${type})`
}

/** Without regular expressions: RegExp.input would keep a value. */
const types: { readonly [type in SecretType]: { readonly isRight: (text: string) => boolean; readonly wrong: string } } = {
  text: { isRight: () => true, wrong: 'no text' },
  integer: { isRight: (text) => Number.isSafeInteger(Number(text)) && String(Number(text)) === text, wrong: 'no whole number' },
  boolean: { isRight: (text) => text === 'true' || text === 'false', wrong: 'neither true nor false' },
  url: { isRight: (text) => URL.canParse(text), wrong: 'no URL' },
  json: { isRight: isJson, wrong: 'no JSON' },
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
