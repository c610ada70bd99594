import { SecretsError } from '@finchat/secrets-core'

/**
 * Why the store could not do what it was asked. `timeout`: no answer in time. `denied`: the user may not do it (Redis' NOPERM). `full`: it has
 * no room (Redis' OOM), or took what it does not keep. `failed`: all else.
 */
export type FaultReason = 'timeout' | 'denied' | 'full' | 'failed'

/** Never leaves the package. Of the store's own error it has only the kind: that error may quote keys, texts and connection strings. */
export class StoreFault extends Error {
  readonly reason: FaultReason | 'left alone' | 'closed'

  constructor(reason: StoreFault['reason']) {
    super(reason)
    this.reason = reason
  }
}

/** The kind of what a store's client threw. Redis begins its errors with a code of capitals. */
export function reasonOf(error: unknown): FaultReason {
  const message = error instanceof Error ? error.message : ''
  if (message.startsWith('NOPERM') || message.startsWith('NOAUTH') || message.startsWith('WRONGPASS')) return 'denied'
  return message.startsWith('OOM') ? 'full' : 'failed'
}

export function faultOf(error: unknown): StoreFault {
  return error instanceof StoreFault ? error : new StoreFault(reasonOf(error))
}

export function wrongOption(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}

/** What somebody passed instead of what was asked for, for a message; text is not shown. */
export function described(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  return typeof value === 'string' ? 'text' : `a ${typeof value}`
}
