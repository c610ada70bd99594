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

/** Codes of PostgreSQL (its manual, appendix A), and of JetStream (errors.json of nats-server). */
const codes: Readonly<Record<string, FaultReason>> = {
  '28000': 'denied',
  '28P01': 'denied',
  '42501': 'denied',
  '53100': 'full',
  // of an account, of a server, of a message, of a bucket
  '10002': 'full',
  '10023': 'full',
  '10028': 'full',
  '10047': 'full',
  '10054': 'full',
  '10077': 'full',
}

/** Of the client of NATS. */
const names: Readonly<Record<string, FaultReason>> = {
  PermissionViolationError: 'denied',
  AuthorizationError: 'denied',
  UserAuthenticationExpiredError: 'denied',
  TimeoutError: 'timeout',
}

/** A request to NATS that failed has the reason as its cause. */
export function reasonOf(error: unknown): FaultReason {
  return knownReason(error) ?? (error instanceof Error ? knownReason(error.cause) : undefined) ?? 'failed'
}

function knownReason(error: unknown): FaultReason | undefined {
  if (!(error instanceof Error)) return undefined
  const code = String(Reflect.get(error, 'code'))
  if (Object.hasOwn(codes, code)) return codes[code]
  return Object.hasOwn(names, error.name) ? names[error.name] : reasonIn(error.message)
}

/** Redis begins its messages with a code in capitals. NATS refuses a text beyond its `max_payload`. */
function reasonIn(message: string): FaultReason | undefined {
  if (/^(NOPERM|NOAUTH|WRONGPASS)/.test(message)) return 'denied'
  return message.startsWith('OOM') || message.includes('max_payload') ? 'full' : undefined
}

export function faultOf(error: unknown): StoreFault {
  return error instanceof StoreFault ? error : new StoreFault(reasonOf(error))
}
