import type { Readable } from 'node:stream'
import { configurationError } from '@finchat/secrets-core/provider'

/** An object as `git cat-file --batch` gives it. */
export interface GitObject {
  readonly object: string
  readonly type: string
  readonly path: string
  readonly chunks: AsyncIterable<Buffer>
}

/** Reads what `git cat-file --batch` writes. An object whose chunks are left is passed over. */
export async function* readObjects(output: Readable, missing: (path: string) => void): AsyncGenerator<GitObject> {
  const reader = new ByteReader(output)
  for (let line = await reader.line(); line !== undefined; line = await reader.line()) {
    const [object = '', type = '', size = '', ...rest] = line.split(' ')
    if (type === 'missing') {
      missing(object)
      continue
    }
    const chunks = reader.take(Number(size))
    yield { object, type, path: rest.join(' '), chunks }
    for await (const chunk of chunks) void chunk
    await reader.line() // the one behind the content
  }
}

const lineFeed = 10

class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  /** Undefined at the end. */
  async line(): Promise<string | undefined> {
    const parts: Buffer[] = []
    for (let at = this.#rest.indexOf(lineFeed); at === -1; at = this.#rest.indexOf(lineFeed)) {
      parts.push(this.#rest)
      if (!(await this.#next())) return undefined
    }
    const at = this.#rest.indexOf(lineFeed)
    const line = Buffer.concat([...parts, this.#rest.subarray(0, at)]).toString()
    this.#rest = this.#rest.subarray(at + 1)
    return line
  }

  /** So many bytes; may be iterated again, for what is left. */
  take(length: number): AsyncIterable<Buffer> {
    let left = length
    const next = async (): Promise<Buffer | undefined> => {
      if (left === 0) return undefined
      if (this.#rest.length === 0 && !(await this.#next())) throw configurationError('git ended too early', 'see what `git fsck` says')
      const chunk = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(chunk.length)
      left -= chunk.length
      return chunk
    }
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          const value = await next()
          return value === undefined ? { value, done: true } : { value, done: false }
        },
      }),
    }
  }

  async #next(): Promise<boolean> {
    const { value, done } = await this.#chunks.next()
    this.#rest = done === true ? Buffer.alloc(0) : value
    return done !== true
  }
}
