import { answerNotUtf8, answerTooLarge } from '../errors/network-errors.ts'

/** Twice AWS's largest answer: 20 secrets of 65,536 bytes, or the descriptions of 100, escaped. */
const maxBytes = 16 * 1_024 * 1_024

interface Response {
  readonly statusCode?: unknown
  readonly headers: Readonly<Record<string, string | undefined>>
  body: unknown
}

/**
 * Reads the body before the SDK does. The SDK would read an answer of any size into memory, and
 * take U+FFFD for bytes that are not UTF-8. An error page may contain such bytes.
 */
export async function checkedAnswer<Result extends { readonly response: unknown }>(result: Result): Promise<Result> {
  const { response } = result
  if (!isResponse(response) || !isStream(response.body)) return result
  const { body, statusCode, headers } = response
  try {
    const bytes = await collect(body, Number(headers['content-length'] ?? 0))
    if (statusCode === 200 && !process.getBuiltinModule('node:buffer').isUtf8(bytes)) {
      throw faultOf(answerNotUtf8)
    }
    response.body = bytes
  } catch (error) {
    response.body = failing(error) // the SDK adds status and request id to what its reading throws
  }
  return result
}

/** The `Date` header in epoch milliseconds; `undefined` if there is none. */
export function answeredAt({ response }: { readonly response: unknown }): number | undefined {
  const date = isResponse(response) ? Date.parse(response.headers['date'] ?? '') : Number.NaN
  return date > 0 ? date : undefined
}

type Stream = AsyncIterable<Uint8Array | string>

/** Leaving the loop early destroys the stream, and with it the connection. */
async function collect(body: Stream, announced: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (Math.max(bytes, announced) > maxBytes) throw faultOf(answerTooLarge)
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  }
  return Buffer.concat(chunks)
}

function failing(reason: unknown): NodeJS.ReadableStream {
  const { Readable } = process.getBuiltinModule('node:stream')
  const error = reason instanceof Error ? reason : faultOf('ERR_STREAM_PREMATURE_CLOSE')
  return new Readable({
    read() {
      this.destroy(error)
    },
  })
}

/** Not a `SecretsError`: the SDK attaches the response to it. */
function faultOf(code: string): Error {
  return Object.assign(new Error(code), { code })
}

/** A user's own request handler may answer with something else. */
function isResponse(response: unknown): response is Response {
  const { headers }: Partial<Response> = Object(response)
  return typeof headers === 'object'
}

function isStream(body: unknown): body is Stream {
  return typeof Object(body)[Symbol.asyncIterator] === 'function'
}
