import { answerNotUtf8, answerTooLarge } from '../errors/aws-errors.ts'

/** Ten times AWS's largest answer: 50 versions of 8 KB, encrypted and in base64. */
const maxBytes = 8 * 1_024 * 1_024

interface Response {
  readonly statusCode?: unknown
  body: unknown
}

/**
 * Reads the body before the SDK does. The SDK would read an answer of any size into memory, and
 * take U+FFFD for bytes that are not UTF-8. An error page may contain such bytes.
 */
export async function checkedAnswer<Result extends { readonly response: unknown }>(result: Result): Promise<Result> {
  const response: Response = Object(result.response)
  if (!isStream(response.body)) return result
  const { Readable } = process.getBuiltinModule('node:stream')
  try {
    const bytes = await collect(response.body)
    const isUtf8 = response.statusCode !== 200 || process.getBuiltinModule('node:buffer').isUtf8(bytes)
    if (!isUtf8) throw faultOf(answerNotUtf8)
    response.body = bytes
  } catch (error) {
    // The SDK adds status and request id to what its reading throws.
    response.body = new Readable({
      read: function fail() {
        this.destroy(error instanceof Error ? error : faultOf('ERR_STREAM_PREMATURE_CLOSE'))
      },
    })
  }
  return result
}

/** Leaving the loop early destroys the stream, and with it the connection. */
async function collect(body: AsyncIterable<Uint8Array | string>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > maxBytes) throw faultOf(answerTooLarge)
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  }
  return Buffer.concat(chunks)
}

/** Not a `SecretsError`: the SDK attaches the response to it. */
function faultOf(code: string): Error {
  return Object.assign(new Error(code), { code })
}

function isStream(body: unknown): body is AsyncIterable<Uint8Array | string> {
  return typeof Object(body)[Symbol.asyncIterator] === 'function'
}
