import type { Transform } from 'node:stream'

/** AWS's largest answers, 20 secrets of 65,536 bytes or the descriptions of 100, are half of it, however they are escaped. */
const mostBytes = 16 * 1_024 * 1_024

/** A response as the SDK's request handler gives it: the body is not read yet. */
export interface Response {
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
    throw tooLarge()
  }
  // What is announced is not exceeded: Node.js sees to it.
  if (announced === undefined) response.body = counted(body)
  return result
}

function counted(body: NodeJS.ReadableStream): Transform {
  const { Transform: Counter, pipeline } = process.getBuiltinModule('node:stream')
  let bytes = 0
  const counter = new Counter({
    transform: (chunk: Buffer, _, done) => {
      bytes += chunk.length
      done(bytes > mostBytes ? tooLarge() : null, chunk)
    },
  })
  pipeline(body, counter, () => {}) // whoever reads it hears of its errors
  return counter
}

/** Not our own error: the SDK hangs the response on it. */
function tooLarge(): Error {
  return Object.assign(new Error('too large'), { code: answerTooLarge })
}

/** As a code of Node.js, for the table of errors. */
export const answerTooLarge = 'ANSWER_TOO_LARGE'

/** A request handler of the user's own may answer with something else. */
export function isResponse(response: unknown): response is Response {
  const { body, headers }: Partial<Response> = Object(response)
  return typeof headers === 'object' && typeof body?.pipe === 'function' && typeof body.destroy === 'function'
}
