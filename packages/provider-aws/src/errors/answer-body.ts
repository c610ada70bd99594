import type { Transform } from 'node:stream'

/** AWS's largest answers, 20 secrets of 65,536 bytes or the descriptions of 100, are half of it, however they are escaped. */
const mostBytes = 16 * 1_024 * 1_024

/** Codes as Node.js has them, for the table of errors. */
export const answerTooLarge = 'ANSWER_TOO_LARGE'
export const answerNotUtf8 = 'ANSWER_NOT_UTF8'

/** A response as the SDK's request handler gives it: the body is not read yet. */
interface Response {
  readonly statusCode?: unknown
  readonly headers: Readonly<Record<string, string | undefined>>
  body: NodeJS.ReadableStream & { readonly destroy: () => void }
}

/** Has an answer end with an error where it is larger than any that AWS gives: the SDK would read it into memory whole. */
export function limitedAnswer<Result extends { readonly response: unknown }>(result: Result): Result {
  const { response } = result
  if (!isResponse(response)) return result
  const { body, headers } = response
  const announced = headers['content-length']
  if (Number(announced) > mostBytes) {
    body.destroy()
    throw faultOf(answerTooLarge)
  }
  // What is announced is not exceeded: Node.js sees to it.
  if (announced === undefined) response.body = checkedBody(body, sizeFault())
  return result
}

/**
 * Has an answer end with an error where its bytes are no UTF-8: the SDK would read U+FFFD for them, which is another value. An error page may be
 * as it likes.
 */
export function textAnswer<Result extends { readonly response: unknown }>(result: Result): Result {
  const { response } = result
  if (isResponse(response) && response.statusCode === 200) response.body = checkedBody(response.body, encodingFault())
  return result
}

/** What is wrong with a body once this chunk has come; without a chunk, with its end. */
type Fault = (chunk?: Uint8Array) => Error | null

function checkedBody(body: NodeJS.ReadableStream, faultAt: Fault): Transform {
  const { Transform: Checker, pipeline } = process.getBuiltinModule('node:stream')
  const checker = new Checker({
    transform: (chunk: Buffer, _, done) => done(faultAt(chunk), chunk),
    flush: (done) => done(faultAt()),
  })
  pipeline(body, checker, () => {}) // whoever reads it hears of its errors
  return checker
}

function sizeFault(): Fault {
  let bytes = 0
  return (chunk) => {
    bytes += chunk?.length ?? 0
    return bytes > mostBytes ? faultOf(answerTooLarge) : null
  }
}

function encodingFault(): Fault {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  return (chunk) => {
    try {
      decoder.decode(chunk, { stream: chunk !== undefined })
      return null
    } catch {
      return faultOf(answerNotUtf8)
    }
  }
}

/** Not our own error: the SDK hangs the response on it. */
function faultOf(code: string): Error {
  return Object.assign(new Error(code), { code })
}

/** A request handler of the user's own may answer with something else. */
function isResponse(response: unknown): response is Response {
  const { body, headers }: Partial<Response> = Object(response)
  return typeof headers === 'object' && typeof body?.pipe === 'function' && typeof body.destroy === 'function'
}
