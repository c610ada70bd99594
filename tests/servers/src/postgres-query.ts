import { connect } from 'node:net'

/** The values of one row, as text; `null` is SQL's NULL. */
export type Row = readonly (string | null)[]

/**
 * Sends one SQL statement by PostgreSQL's simple query protocol (version 3.0) as the superuser,
 * whom the server trusts. Resolves to the rows; rejects with the server's own words.
 */
export function query(port: number, sql: string): Promise<Row[]> {
  const { promise, resolve, reject } = Promise.withResolvers<Row[]>()
  const rows: Row[] = []
  let isAsked = false
  const socket = connect(port, '127.0.0.1', () => socket.write(startUp({ user: 'postgres', database: 'postgres' })))
  const finish = (settle: () => void): void => {
    settle()
    socket.destroy()
  }
  const handle = ({ type, body }: Message): void => {
    if (type === 'D') rows.push(rowIn(body))
    if (type === 'E') finish(() => reject(new Error(wordsIn(body))))
    if (type !== 'Z') return // anything but "ready for a query" only tells of the way there
    if (isAsked) finish(() => resolve(rows))
    else socket.write(message('Q', `${sql}\0`))
    isAsked = true
  }
  let buffered = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    const { messages, rest } = messagesIn(Buffer.concat([buffered, chunk]))
    buffered = rest
    for (const each of messages) handle(each)
  })
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('the connection was closed')))
  return promise
}

interface Message {
  readonly type: string
  readonly body: Buffer
}

function startUp(parameters: Readonly<Record<string, string>>): Buffer {
  const version = Buffer.from([0, 3, 0, 0])
  const text = Object.entries(parameters).map(([name, value]) => `${name}\0${value}\0`)
  return withLength(Buffer.concat([version, Buffer.from(`${text.join('')}\0`)]))
}

function message(type: string, body: string): Buffer {
  return Buffer.concat([Buffer.from(type), withLength(Buffer.from(body))])
}

/** The length counts itself. */
function withLength(body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([length, body])
}

function messagesIn(bytes: Buffer): { messages: Message[]; rest: Buffer<ArrayBuffer> } {
  const messages: Message[] = []
  let at = 0
  while (bytes.length - at >= 5 && bytes.length - at > bytes.readInt32BE(at + 1)) {
    const end = at + 1 + bytes.readInt32BE(at + 1)
    messages.push({ type: bytes.toString('latin1', at, at + 1), body: bytes.subarray(at + 5, end) })
    at = end
  }
  return { messages, rest: Buffer.from(bytes.subarray(at)) }
}

/** The number of columns, then each one's length and bytes; the length of NULL is -1. */
function rowIn(body: Buffer): Row {
  let at = 2
  return Array.from({ length: body.readInt16BE(0) }, () => {
    const length = body.readInt32BE(at)
    const start = at + 4
    at = start + Math.max(length, 0)
    return length === -1 ? null : body.toString('utf8', start, at)
  })
}

/** Of an error's fields, each a letter and text that ends in a zero byte, `M` is the message. */
function wordsIn(body: Buffer): string {
  const fields = body.toString('utf8').split('\0')
  return fields.find((field) => field.startsWith('M'))?.slice(1) ?? 'an error without a message'
}
