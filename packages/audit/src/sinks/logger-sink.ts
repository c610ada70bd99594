import type { AuditRecord, AuditSink } from '@finchat/secrets-core'
import { knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { defined } from '../record/record-text.ts'
import { humanLine, type Severity, severityOf } from '../record/human-line.ts'
import { assertSinkName, misconfigured, refused } from './sink-errors.ts'

/** As pino and those shaped like it: members first, then the message. */
export type PinoShaped = Readonly<Record<Severity, (members: { readonly audit: AuditRecord }, message: string) => void>>

/** What `loggerSink` takes beside the logger. */
export interface LoggerSinkOptions {
  /** Default: `logger`. */
  readonly name?: string | undefined
}

const members: MembersOf<LoggerSinkOptions> = { name: 'string' }

/**
 * Hands each record to a logger that is shaped like pino's: the record as `audit`, the human line as the message, at `info`; at `warn` what
 * failed, at `error` a gap. Acknowledged is what the logger took without throwing: what it does with it later is not known here, so this sink
 * is not durable. Throws `CONFIGURATION` for a logger that has not these three levels.
 *
 * @example
 * import { loggerSink } from '@finchat/secrets-audit'
 *
 * const log = (_members: object, message: string): void => console.error(message)
 * const sink = loggerSink({ info: log, warn: log, error: log })
 * console.log(sink.name) // logger
 */
export function loggerSink(logger: PinoShaped, options: LoggerSinkOptions = {}): AuditSink {
  const { name = 'logger' } = knownOptions(options, members)
  assertSinkName(name)
  if (!isPinoShaped(logger)) throw misconfigured('the logger is not shaped like pino', 'pass an object with info(), warn() and error()')
  return { specificationVersion: 'v1', name, write: async (record) => log(logger, record) }
}

/** The logger gets a record of its own: some redact by changing what they are given, and some write what is undefined. */
function log(logger: PinoShaped, record: AuditRecord): void {
  try {
    const audit = defined(record) as AuditRecord // of its members only the optional ones may be undefined
    logger[severityOf(record)]({ audit }, humanLine(record))
  } catch (error) {
    throw refused('the logger threw', 'see its destination', error)
  }
}

function isPinoShaped(logger: unknown): boolean {
  if (typeof logger !== 'object' || logger === null) return false
  return ['info', 'warn', 'error'].every((level) => typeof Reflect.get(logger, level) === 'function')
}
