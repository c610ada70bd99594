import type { Socket } from 'node:net'

export interface RecordedRequest {
  readonly method: string
  /** As it was sent, query included: nothing decoded, nothing resolved. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Counts the connections from 1: requests with the same number came over the same one. */
  readonly connection: number
}

/**
 * Reads requests from a connection until it ends. Node's own HTTP server would refuse unknown
 * methods, such as Vault's LIST.
 */
export async function* requestsOf(socket: Socket, connection: number): AsyncGenerator<RecordedRequest> {
  const reader = readerOf(socket)
  for (;;) {
    const head = await reader.until('\r\n\r\n')
    if (head === undefined) return
    const [requestLine = '', ...lines] = head.toString('latin1').split('\r\n')
    const [method = '', path = ''] = requestLine.split(' ')
    const headers = Object.fromEntries(lines.map(headerOf))
    const body = await bodyOf(headers, reader)
    if (body === undefined) return
    yield { method, path, headers, body: body.toString(), connection }
  }
}

function headerOf(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}

/** `undefined` when the connection ended first. */
async function bodyOf(headers: Record<string, string>, reader: Reader): Promise<Buffer | undefined> {
  if (headers['transfer-encoding'] === undefined) return reader.bytes(Number(headers['content-length'] ?? 0))
  const chunks: Buffer[] = []
  for (;;) {
    const size = Number.parseInt((await reader.until('\r\n'))?.toString() ?? '', 16)
    const chunk = Number.isNaN(size) ? undefined : await reader.bytes(size)
    if (chunk === undefined || (await reader.until('\r\n')) === undefined) return undefined
    if (size === 0) return Buffer.concat(chunks)
    chunks.push(chunk)
  }
}

interface Reader {
  /** The text before the delimiter; `undefined` if the connection ended first. */
  readonly until: (delimiter: string) => Promise<Buffer | undefined>
  readonly bytes: (count: number) => Promise<Buffer | undefined>
}

function readerOf(socket: Socket): Reader {
  const incoming = (socket as AsyncIterable<Buffer>)[Symbol.asyncIterator]() // a socket without an encoding gives Buffers
  let buffered = Buffer.alloc(0)
  const take = (count: number): Buffer => {
    const taken = buffered.subarray(0, count)
    buffered = buffered.subarray(count)
    return taken
  }
  const more = async (): Promise<boolean> => {
    const { done, value } = await incoming.next().catch(() => ({ done: true, value: undefined }))
    if (done || !value) return false
    buffered = Buffer.concat([buffered, value])
    return true
  }
  return {
    until: async (delimiter) => {
      while (!buffered.includes(delimiter)) if (!(await more())) return undefined
      const found = take(buffered.indexOf(delimiter))
      take(delimiter.length)
      return found
    },
    bytes: async (count) => {
      while (buffered.length < count) if (!(await more())) return undefined
      return take(count)
    },
  }
}
