import type { AuditRecord, AuditSink } from '@finchat/secrets-core'
import { knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { Backlog } from './backlog.ts'
import { asciiJson, humanLine } from '../record/human-line.ts'
import { assertSinkName, misconfigured, refused } from './sink-errors.ts'

/** As much of a `stream.Writable` as is used. */
export interface LineStream {
  readonly write: (text: string, done: (error?: Error | null) => void) => unknown
  readonly on?: ((event: 'error', listener: () => void) => unknown) | undefined
  readonly off?: ((event: 'error', listener: () => void) => unknown) | undefined
}

/** What `lineSink` takes. */
export interface LineSinkOptions {
  /** Where the lines go: `process.stderr` by default. */
  readonly stream?: LineStream | undefined
  /** `human`, the default: `humanLine`. `json`: the whole record, for a log collector. Both are printable ASCII. */
  readonly format?: 'human' | 'json' | undefined
  /** Default: `lines`. */
  readonly name?: string | undefined
}

const members: MembersOf<LineSinkOptions> = { stream: 'any', format: 'string', name: 'string' }

/** Half a thousand of the longest lines. */
const mostWaiting = 8 * 1024 * 1024

/**
 * Writes one line a record to a stream: for people, or as JSON. Acknowledged is what the stream took, which for a terminal or a pipe does not
 * mean that it is kept anywhere: this sink is not durable. It holds at most 8 MiB that the stream has not taken. It never closes the stream.
 * A stream that fails makes its records fail, not the process. Throws `CONFIGURATION` for options that make no sense.
 *
 * @example
 * import { lineSink } from '@finchat/secrets-audit'
 *
 * const sink = lineSink({ stream: process.stdout })
 * console.log(sink.name) // lines
 */
export function lineSink(options: LineSinkOptions = {}): AuditSink {
  if (isStream(options)) throw misconfigured('the options are a stream', 'pass { stream: … }')
  const { stream, format = 'human', name = 'lines' } = knownOptions(options, members)
  assertSinkName(name)
  if (format !== 'human' && format !== 'json') throw misconfigured('`format` is not known', 'use human or json')
  if (stream !== undefined && !isStream(stream))
    throw misconfigured('`stream` is no stream', 'pass what has write(), such as process.stdout')
  const writer = new LineWriter(stream)
  const lineOf = format === 'human' ? humanLine : asciiJson
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

  /** A stream without a listener ends the process when it fails; each record that it fails is told instead. */
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
