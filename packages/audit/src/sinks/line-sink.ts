import type { AuditRecord, AuditSink } from '@finchat/secrets-core'
import { configurationError, knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { Backlog } from './backlog.ts'
import { asciiJson, humanLine } from '../record/human-line.ts'
import { assertSinkName, refused } from '../record/errors.ts'

/** The part of `stream.Writable` that is used. */
export interface LineStream {
  readonly write: (text: string, done: (error?: Error | null) => void) => unknown
  readonly on?: ((event: 'error', listener: () => void) => unknown) | undefined
  readonly off?: ((event: 'error', listener: () => void) => unknown) | undefined
}

/** What `lineSink` takes. */
export interface LineSinkOptions {
  /** Default: `process.stderr`. */
  readonly stream?: LineStream | undefined
  /** `human`, the default: `humanLine`. `json`: the whole record. Both are printable ASCII. */
  readonly format?: 'human' | 'json' | undefined
  /** The `user` of a human line whose record has no actor. Default: `-`. */
  readonly user?: string | undefined
  /** Default: `lines`. */
  readonly name?: string | undefined
}

const members: MembersOf<LineSinkOptions> = { stream: 'any', format: 'string', user: 'string', name: 'string' }

/** Some 500 of the longest lines. */
const mostWaiting = 8 * 1024 * 1024

/**
 * Writes each record to a stream as one line, for people or as JSON. A record is acknowledged when
 * the stream took it. A terminal or a pipe need not keep it, so the sink is not durable. It buffers
 * at most 8 MiB, and never closes the stream. A stream that fails refuses its records and leaves
 * the process running. Throws `CONFIGURATION` for invalid options.
 *
 * @example
 * import { lineSink } from '@finchat/secrets-audit'
 *
 * const sink = lineSink({ stream: process.stdout })
 * console.log(sink.name) // lines
 */
export function lineSink(options: LineSinkOptions = {}): AuditSink {
  if (isStream(options)) throw configurationError('the options are a stream', 'pass { stream: … }')
  const { stream, format = 'human', user, name = 'lines' } = knownOptions(options, members)
  assertSinkName(name)
  if (format !== 'human' && format !== 'json') throw configurationError('`format` is not known', 'use human or json')
  if (stream !== undefined && !isStream(stream))
    throw configurationError('`stream` is not a stream', 'pass what has write(), such as process.stdout')
  const writer = new LineWriter(stream)
  if (user !== undefined && format === 'json') throw configurationError('`user` belongs to human lines', 'leave it out')
  const named = (record: AuditRecord): string => humanLine({ ...record, actor: record.actor ?? user })
  const lineOf = format === 'json' ? asciiJson : user === undefined ? humanLine : named
  return { specificationVersion: 'v1', name, write: (record: AuditRecord) => writer.write(lineOf(record)), close: () => writer.close() }
}

class LineWriter {
  readonly #given: LineStream | undefined
  readonly #backlog = new Backlog(mostWaiting)
  #stream: LineStream | undefined

  constructor(stream: LineStream | undefined) {
    this.#given = stream
  }

  async write(line: string): Promise<void> {
    const stream = this.#open()
    await this.#backlog.during(line.length, () => written(stream, `${line}\n`))
  }

  async close(): Promise<void> {
    this.#stream?.off?.('error', ignored)
    this.#stream = undefined
  }

  /** Without a listener the stream's failure would end the process. */
  #open(): LineStream {
    if (this.#stream === undefined) {
      this.#stream = this.#given ?? process.stderr
      this.#stream.on?.('error', ignored)
    }
    return this.#stream
  }
}

function written(stream: LineStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void => reject(refused('the stream did not take the line', 'see where it leads', error))
    try {
      stream.write(text, (error) => (error ? failed(error) : resolve()))
    } catch (error) {
      failed(error)
    }
  })
}

function ignored(): void {}

function isStream(candidate: unknown): candidate is LineStream {
  return typeof candidate === 'object' && candidate !== null && 'write' in candidate && typeof candidate.write === 'function'
}
