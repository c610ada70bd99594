/**
 * Why a call to the store failed. `timeout`: no answer in time. `denied`: the user lacks the right.
 * `full`: no room, or a written text is not there. `failed`: anything else.
 */
export type FaultReason = 'timeout' | 'denied' | 'full' | 'failed'

/**
 * Never leaves the package. Carries only a reason: the client's own error may quote keys, texts and
 * connection strings.
 */
export class StoreFault extends Error {
  readonly reason: FaultReason | 'cooling down' | 'closed'

  constructor(reason: StoreFault['reason']) {
    super(reason)
    this.reason = reason
  }
}

/** Codes of PostgreSQL (its manual, appendix A). */
const sqlStates: Readonly<Record<string, FaultReason>> = { '28000': 'denied', '28P01': 'denied', '42501': 'denied', '53100': 'full' }

/** Redis begins its messages with a code in capitals. */
export function reasonOf(error: unknown): FaultReason {
  const message = error instanceof Error ? error.message : ''
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  if (typeof code === 'string' && Object.hasOwn(sqlStates, code)) return sqlStates[code] ?? 'failed'
  if (message.startsWith('NOPERM') || message.startsWith('NOAUTH') || message.startsWith('WRONGPASS')) return 'denied'
  return message.startsWith('OOM') ? 'full' : 'failed'
}

export function faultOf(error: unknown): StoreFault {
  return error instanceof StoreFault ? error : new StoreFault(reasonOf(error))
}
