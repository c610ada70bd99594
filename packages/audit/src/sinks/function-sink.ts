import type { AuditRecord, AuditSink, CallContext } from '@finchat/secrets-core'
import { configurationError, knownOptions, type MembersOf, SecretsError } from '@finchat/secrets-core/provider'
import { assertSinkName, refused } from '../record/errors.ts'

/** What `functionSink` takes beside the function. */
export interface FunctionSinkOptions {
  /** Default: `function`. */
  readonly name?: string | undefined
  /** True only if the function settles once its record survives a power cut. Default: false. */
  readonly durable?: boolean | undefined
}

const members: MembersOf<FunctionSinkOptions> = { name: 'string', durable: 'boolean' }

/**
 * Calls a function with each record, which is acknowledged when the function returns or its promise
 * resolves. If it throws or rejects, the record is refused: with its own `SecretsError`, or with
 * only a code such as `ECONNREFUSED`. It may be called again before its promise settles; the signal
 * aborts at the record's deadline. Throws `CONFIGURATION` if it is not a function.
 *
 * @example
 * import { functionSink } from '@finchat/secrets-audit'
 *
 * const counts = new Map<string, number>()
 * const sink = functionSink(({ name }) => void counts.set(name, (counts.get(name) ?? 0) + 1), { name: 'counts' })
 * console.log(sink.name, counts.size) // counts 0
 */
export function functionSink(
  run: (record: AuditRecord, context: CallContext) => void | Promise<void>,
  options: FunctionSinkOptions = {},
): AuditSink {
  const { name = 'function', durable = false } = knownOptions(options, members)
  assertSinkName(name)
  if (typeof run !== 'function') throw configurationError('the argument is not a function', 'pass (record) => …')
  return { specificationVersion: 'v1', name, durable, write: (record, context) => called(run, record, context) }
}

async function called(
  run: (record: AuditRecord, context: CallContext) => unknown,
  record: AuditRecord,
  context: CallContext,
): Promise<void> {
  try {
    await run(record, context)
  } catch (error) {
    throw SecretsError.isInstance(error) ? error : refused('the function threw', 'see what it does with the record', error)
  }
}
