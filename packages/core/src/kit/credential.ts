import { own } from '../errors/own-properties.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { untilAborted } from '../guard/deadline.ts'
import { configurationError } from '../options/check-option.ts'
import { readSecretFile } from './secret-file.ts'

/** A text, or a file or function that is read at each use. */
export type Credential = string | { readonly file: string } | (() => string | Promise<string>)

/**
 * Throws `CONFIGURATION` unless this is a credential's source. `what` names it in the error.
 *
 * @example
 * import { assertCredential } from '@finchat/secrets-core/provider'
 *
 * assertCredential({ file: '/run/secrets/token' }, 'the token') // assertCredential(7, 'the token') throws
 */
export function assertCredential(source: unknown, what: string): asserts source is Credential {
  if (typeof source === 'string' || typeof source === 'function') return
  const file = own(source, 'file')
  if (typeof file === 'string' && file !== '') return
  throw configurationError(`${what} is no credential`, 'give a text, { file }, or a function that returns a text')
}

/**
 * Returns the credential's text. A file's byte order mark and its last line end are removed. `what`
 * names the credential in errors, which never show it.
 *
 * Rejects with `CREDENTIALS_MISSING` if it is empty or its file does not exist: the chain goes on.
 * Rejects with `CONFIGURATION` if it is not UTF-8, or its file is unusable as for `readSecretFile`
 * or unreadable: the chain stops. A function that throws is `UNAVAILABLE`. The signal's abort is
 * `ABORTED`.
 *
 * @example
 * import { readCredential } from '@finchat/secrets-core/provider'
 *
 * const { signal } = new AbortController()
 * const token = await readCredential(async () => 'hunter2', 'the token', signal)
 * console.log(token.length) // 7
 */
export async function readCredential(source: Credential, what: string, signal: AbortSignal): Promise<string> {
  const text = typeof source === 'string' ? source : await fetched(source, what, signal)
  if (!text.isWellFormed()) throw notUtf8(what)
  if (text !== '') return text
  throw new SecretsError('CREDENTIALS_MISSING', `${what} is empty`, { remedy: 'give the credential' })
}

/**
 * Returns what an application's function gives, or rejects when the signal is aborted. Rejects with
 * `UNAVAILABLE` if it throws, and keeps nothing of a foreign error.
 *
 * @example
 * import { callSource } from '@finchat/secrets-core/provider'
 *
 * const { signal } = new AbortController()
 * console.log(await callSource(() => ({ user: 'bob' }), 'the login', signal)) // { user: 'bob' }
 */
export async function callSource(source: () => unknown, what: string, signal: AbortSignal): Promise<unknown> {
  try {
    return await untilAborted(
      Promise.resolve().then(() => source()),
      signal,
    )
  } catch (error) {
    if (SecretsError.isInstance(error)) throw error
    throw new SecretsError('UNAVAILABLE', `the function that gives ${what} failed`)
  }
}

/**
 * Returns the text without its last line end (LF or CRLF), which editors and `echo` add.
 *
 * @example
 * import { withoutLineEnd } from '@finchat/secrets-core/provider'
 *
 * console.log(withoutLineEnd('hunter2\n').length) // 7
 */
export function withoutLineEnd(text: string): string {
  if (text.endsWith('\r\n')) return text.slice(0, -2)
  return text.endsWith('\n') ? text.slice(0, -1) : text
}

async function fetched(source: Exclude<Credential, string>, what: string, signal: AbortSignal): Promise<string> {
  if (typeof source !== 'function') return textOfFile(source.file, what, signal)
  const text = await callSource(source, what, signal)
  if (typeof text === 'string') return text
  throw configurationError(`the function that gives ${what} returned no text`)
}

async function textOfFile(path: string, what: string, signal: AbortSignal): Promise<string> {
  const content = await readSecretFile(path, `the file of ${what}`, signal).catch((error: unknown) => {
    throw unusable(error, what)
  })
  if (content === undefined) {
    const remedy = 'mount it, or correct its path'
    throw new SecretsError('CREDENTIALS_MISSING', `the file of ${what} does not exist`, { remedy })
  }
  return withoutFraming(typeof content === 'string' ? content : pemText(content, what))
}

/** PEM may have remarks in any encoding outside its Base64. */
function pemText(content: Uint8Array, what: string): string {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString()
  content.fill(0)
  if (text.includes('-----BEGIN')) return text
  throw notUtf8(what)
}

/** Editors on Windows begin a file with a byte order mark, which no credential has. */
function withoutFraming(text: string): string {
  return withoutLineEnd(text.startsWith('\ufeff') ? text.slice(1) : text)
}

/** A chain must stop at an unreadable credential, or another store would answer unnoticed. */
function unusable(error: unknown, what: string): unknown {
  if (!SecretsError.isInstance(error) || error.code === 'ABORTED' || error.code === 'CONFIGURATION') return error
  return new SecretsError('CONFIGURATION', `the file of ${what} cannot be read`, {
    remedy: 'let this process read it',
    storeStatus: error.storeStatus,
  })
}

/** A lenient decoder would make another credential of it. */
function notUtf8(what: string): SecretsError {
  return configurationError(`${what} is no text in UTF-8`, 'write it in UTF-8, without bytes of another encoding')
}

/**
 * Returns whether this is text of visible ASCII characters, at least one: what a header carries
 * unchanged, without spaces. The text may be a secret. No regular expression sees it, since V8
 * remembers the last input of one.
 *
 * @example
 * import { isVisibleAscii } from '@finchat/secrets-core/provider'
 *
 * console.log(isVisibleAscii('s.9f2c'), isVisibleAscii('two words'), isVisibleAscii('')) // true false false
 */
export function isVisibleAscii(text: unknown): text is string {
  if (typeof text !== 'string' || text === '') return false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code <= 0x20 || code >= 0x7f) return false
  }
  return true
}
