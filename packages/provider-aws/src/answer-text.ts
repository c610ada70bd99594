import { isResponse } from './errors/answer-body.ts'

/** Has an answer end with an error where its bytes are no UTF-8: the SDK would read U+FFFD for them, which is another value. An error page may be as it likes. */
export function textAnswer<Result extends { readonly response: unknown }>(result: Result): Result {
  const { response } = result
  if (isResponse(response) && response.statusCode === 200) response.body = checked(response.body)
  return result
}

function checked(body: NodeJS.ReadableStream): NodeJS.ReadableStream & { readonly destroy: () => void } {
  const { Transform, pipeline } = process.getBuiltinModule('node:stream')
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const checker = new Transform({
    transform: (chunk: Buffer, _, done) => done(isText(decoder, chunk) ? null : notUtf8(), chunk),
    flush: (done) => done(isText(decoder) ? null : notUtf8()),
  })
  pipeline(body, checker, () => {}) // whoever reads it hears of its errors
  return checker
}

/** Without a chunk: nothing is missing at the end. */
function isText(decoder: InstanceType<typeof TextDecoder>, chunk?: Uint8Array): boolean {
  try {
    decoder.decode(chunk, { stream: chunk !== undefined })
    return true
  } catch {
    return false
  }
}

/** Not our own error: the SDK hangs the response on it. */
function notUtf8(): Error {
  return Object.assign(new Error('not UTF-8'), { code: answerNotUtf8 })
}

/** As a code of Node.js, for the table of errors. */
export const answerNotUtf8 = 'ANSWER_NOT_UTF8'
