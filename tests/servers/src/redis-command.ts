import { connect } from 'node:net'

/** What Redis answers, by its protocol's version 2: bytes as latin1 text, so that none is lost. */
export type RedisReply = string | number | null | readonly RedisReply[]

/**
 * Sends one command over a connection of its own, after `login` if there is one:
 * `['app', 'password']`. Resolves to the reply; an error reply rejects with the server's own words,
 * silence of `timeoutMs` with that.
 */
export async function redisCommand(
  port: number,
  command: readonly string[],
  login: readonly string[] = [],
  timeoutMs = 5000,
): Promise<RedisReply> {
  const commands = [...(login.length > 0 ? [['AUTH', ...login]] : []), command]
  const replies = await conversation(port, Buffer.concat(commands.map(encoded)), commands.length, timeoutMs)
  const failure = replies.find((reply) => reply instanceof Error)
  if (failure) throw failure
  return replies.at(-1) as RedisReply // no error is left, and within a reply of these commands there is none
}

type Parsed = RedisReply | Error

function conversation(port: number, request: Buffer, count: number, timeoutMs: number): Promise<Parsed[]> {
  const { promise, resolve, reject } = Promise.withResolvers<Parsed[]>()
  const socket = connect(port, '127.0.0.1', () => socket.write(request))
  let received = ''
  socket.setEncoding('latin1').setTimeout(timeoutMs)
  socket.on('data', (chunk: string) => {
    received += chunk
    const replies = repliesIn(received)
    if (replies.length < count) return
    resolve(replies)
    socket.destroy()
  })
  socket.on('timeout', () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)))
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('the connection was closed')))
  return promise
}

function encoded(parts: readonly string[]): Buffer {
  return Buffer.from(`*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`)
}

/** The whole replies at the beginning of what was received. */
function repliesIn(text: string): Parsed[] {
  const replies: Parsed[] = []
  for (let read = replyAt(text, 0); read; read = replyAt(text, read.end)) replies.push(read.reply)
  return replies
}

interface Read {
  readonly reply: Parsed
  readonly end: number
}

/** `undefined` while the reply is incomplete. */
function replyAt(text: string, start: number): Read | undefined {
  const lineEnd = text.indexOf('\r\n', start)
  if (lineEnd === -1) return undefined
  const line = text.slice(start + 1, lineEnd)
  const end = lineEnd + 2
  if (text[start] === '+') return { reply: line, end }
  if (text[start] === '-') return { reply: new Error(line), end }
  if (text[start] === ':') return { reply: Number(line), end }
  if (line === '-1') return { reply: null, end }
  return text[start] === '$' ? bytesAt(text, end, Number(line)) : arrayAt(text, end, Number(line))
}

function bytesAt(text: string, start: number, length: number): Read | undefined {
  const end = start + length
  return text.length < end + 2 ? undefined : { reply: text.slice(start, end), end: end + 2 }
}

function arrayAt(text: string, start: number, length: number): Read | undefined {
  const items: RedisReply[] = []
  let end = start
  while (items.length < length) {
    const read = replyAt(text, end)
    if (!read) return undefined
    items.push(read.reply instanceof Error ? read.reply.message : read.reply)
    end = read.end
  }
  return { reply: items, end }
}
