import type { AuditRecord, AuditSink } from '@finchat/secrets-core'
import { configurationError, knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { defined } from '../record/record-text.ts'
import { humanLine, type Severity, severityOf } from '../record/human-line.ts'
import { assertSinkName, refused } from '../record/errors.ts'

/** As in pino: members first, then the message. */
export type PinoShaped = Readonly<Record<Severity, (members: { readonly audit: AuditRecord }, message: string) => void>>

/** What `loggerSink` takes beside the logger. */
export interface LoggerSinkOptions {
  /** Default: `logger`. */
  readonly name?: string | undefined
}

const members: MembersOf<LoggerSinkOptions> = { name: 'string' }

/**
 * Logs each record with a logger shaped like pino: the record as `audit`, the human line as the
 * message. It logs at `info`, at `warn` for a failure, at `error` for a gap. A record is acknowledged
 * when the logger did not throw, so the sink is not durable. Throws `CONFIGURATION` for a logger
 * without these three levels.
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
  if (!isPinoShaped(logger))
    throw configurationError('the logger is not shaped like pino', 'pass an object with info(), warn() and error()')
  return { specificationVersion: 'v1', name, write: async (record) => log(logger, record) }
}

/** A copy: some loggers redact in place. */
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
