import type { SecretsErrorCode } from '@finchat/secrets-core'
import type { Breakage } from '../harness.ts'

/** The store does what it is asked, and the provider gets no answer of the store. */
export type Unanswered = 'lost' | 'garbled'

/** A breakage that is answered. */
export type Answered = Exclude<Breakage, 'hung' | Unanswered>

/**
 * The codes for each breakage. Garbage has several: it has no known meaning, and a client that waits
 * for the rest of it ends by its own deadline.
 */
export const codes: Readonly<Record<Answered, readonly SecretsErrorCode[]>> = {
  denied: ['PERMISSION_DENIED'],
  unauthenticated: ['UNAUTHENTICATED'],
  unreachable: ['UNAVAILABLE'],
  throttled: ['RATE_LIMITED'],
  failing: ['UNAVAILABLE'],
  garbage: ['INTEGRITY', 'INTERNAL', 'UNAVAILABLE', 'CONFIGURATION', 'DEADLINE_EXCEEDED'],
}

export const answered: readonly Answered[] = ['denied', 'unauthenticated', 'unreachable', 'throttled', 'failing', 'garbage']
