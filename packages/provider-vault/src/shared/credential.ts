import { SecretsError } from '@finchat/secrets-core'
import { untilEnded } from './deadline.ts'
import { TransportError } from './transport-error.ts'

/** A secret text: itself, a file that is read again at each login, or a function that is called at each login. */
export type Credential = string | { readonly file: string } | (() => string | Promise<string>)

/** Tokens, passwords and certificates are small; a file that is larger is another one. */
const maxFileBytes = 65_536

/**
 * The text; of a file without the line end that editors and `echo` leave. `what` names it in errors, which never show it. Rejects with
 * `CREDENTIALS_MISSING` where it is empty or its file is not there.
 */
export async function readCredential(source: Credential, what: string, signal: AbortSignal): Promise<string> {
  const text = typeof source === 'string' ? source : await fetched(source, what, signal)
  if (!text.isWellFormed()) throw notUtf8(what)
  if (text !== '') return text
  throw new SecretsError('CREDENTIALS_MISSING', `${what} is empty`, { remedy: 'give the credential' })
}

/** Whether it is a source at all. Throws `CONFIGURATION`. */
export function assertCredential(source: unknown, what: string): asserts source is Credential {
  if (typeof source === 'string' || typeof source === 'function') return
  if (typeof source === 'object' && source !== null && 'file' in source && typeof source.file === 'string' && source.file !== '') return
  throw new SecretsError('CONFIGURATION', `${what} is no credential`, {
    remedy: 'give a text, { file }, or a function that returns a text',
  })
}

const [doubleQuote, singleQuote] = [0x22, 0x27]

/** A token as a header can carry it. Throws `CONFIGURATION`; no regular expression looks at it, for it would be remembered. */
export function assertToken(token: string): void {
  for (let at = 0; at < token.length; at += 1) {
    const code = token.charCodeAt(at)
    if (code <= 0x20 || code >= 0x7f || code === doubleQuote || code === singleQuote) {
      throw new SecretsError('CONFIGURATION', 'the token is none: it has a space, a quote or another character that no token has', {
        remedy: 'give the token alone, without quotes, names or a second line',
      })
    }
  }
}

async function fetched(source: Exclude<Credential, string>, what: string, signal: AbortSignal): Promise<string> {
  if (typeof source !== 'function') return readSmallFile(source.file, what)
  const text = await called(source, what, signal)
  if (typeof text === 'string') return text
  throw new SecretsError('CONFIGURATION', `the function that gives ${what} returned no text`)
}

/** What an application's function returns, within the time limit; of what it throws nothing is kept. */
export async function called(source: () => unknown, what: string, signal: AbortSignal): Promise<unknown> {
  try {
    return await untilEnded(
      Promise.resolve().then(() => source()),
      signal,
    )
  } catch (error) {
    if (SecretsError.isInstance(error) || error instanceof TransportError) throw error
    throw new SecretsError('UNAVAILABLE', `the function that gives ${what} failed`)
  }
}

async function readSmallFile(path: string, what: string): Promise<string> {
  const { constants, promises } = process.getBuiltinModule('node:fs')
  const handle = await promises.open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((error: unknown) => {
    throw fileFailure(error, what)
  })
  try {
    const { size } = await handle.stat()
    if (size > maxFileBytes) throw new SecretsError('CONFIGURATION', `the file of ${what} is larger than ${maxFileBytes} bytes`)
    const bytes = await handle.readFile()
    // Outside of its Base64, PEM may have remarks in any encoding.
    if (!process.getBuiltinModule('node:buffer').isUtf8(bytes) && !bytes.includes('-----BEGIN')) throw notUtf8(what)
    const text = bytes.toString()
    bytes.fill(0)
    return withoutLineEnd(text)
  } catch (error) {
    throw fileFailure(error, what)
  } finally {
    await handle.close()
  }
}

/** A lenient decoder would make another credential of it. */
function notUtf8(what: string): SecretsError {
  return new SecretsError('CONFIGURATION', `${what} is no text in UTF-8`, {
    remedy: 'write it in UTF-8, without bytes of another encoding',
  })
}

/** Without the one that editors and `echo` leave. */
export function withoutLineEnd(text: string): string {
  if (text.endsWith('\r\n')) return text.slice(0, -2)
  return text.endsWith('\n') ? text.slice(0, -1) : text
}

/** Never with the file system's own message, which quotes the path. */
function fileFailure(error: unknown, what: string): SecretsError {
  if (SecretsError.isInstance(error)) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new SecretsError('CREDENTIALS_MISSING', `the file of ${what} does not exist`, { remedy: 'mount it, or correct its path' })
  }
  return new SecretsError('CONFIGURATION', `the file of ${what} cannot be read`, { remedy: 'let this process read it' })
}
