import { member, retryAtOf } from '@finchat/secrets-core/http'
import { SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'

/** An answer of the API server. */
export interface KubeAnswer {
  readonly status: number
  readonly body: unknown
  readonly retryAfter: string | undefined
}

interface Meaning {
  readonly code: SecretsErrorCode
  readonly problem: string
  readonly remedy: string
}

const means = (code: SecretsErrorCode, problem: string, remedy: string): Meaning => ({ code, problem, remedy })

const reachApi = 'point `url` at the API server itself, or at what passes its answers on unchanged'
const look = 'look at the API server'
const refused = means('UNAUTHENTICATED', 'Kubernetes refused the credential', 'give a valid token: it has expired, or is of another cluster')
const denied = means('PERMISSION_DENIED', "the service account's roles do not allow it", 'allow it, or route the name away')
const missing = means('NOT_FOUND', 'there is no secret at this path', 'write it first')
const noNamespace = means('CONFIGURATION', 'there is no such namespace', 'create it, or correct `namespace`')
const conflict = means('VERSION_CONFLICT', 'another version is current', 'read the secret and decide anew')
const expired = means('UNAVAILABLE', 'the server no longer has this resource version', 'list or read anew')
const badRequest = means('INVALID_ARGUMENT', 'Kubernetes refused the request', 'check the path, the value and the tags')
const invalid = means('INVALID_ARGUMENT', 'Kubernetes refused the secret', 'see whether it is immutable, or its type asks for other fields')
const tooLarge = means('INVALID_ARGUMENT', 'the request is too large for the server', 'store less')
const throttled = means('RATE_LIMITED', 'the API server limits the rate', 'ask less often')
const unavailable = means('UNAVAILABLE', 'the API server failed', look)
const notKubernetes = means('CONFIGURATION', 'the answer is not one of Kubernetes', reachApi)
const redirected = means('CONFIGURATION', 'the server redirects, which is not followed with a token', reachApi)
const unknown = means('INTERNAL', 'the status of the answer is not known', reachApi)

/** Reasons of a `Status` object that say more than its code (API machinery, `metav1.StatusReason`). */
const byReason: ReadonlyMap<string, Meaning> = new Map([
  ['Unauthorized', refused],
  ['Forbidden', denied],
  ['AlreadyExists', conflict],
  ['Conflict', conflict],
  ['Gone', expired],
  ['Expired', expired],
  ['Invalid', invalid],
  ['BadRequest', badRequest],
  ['RequestEntityTooLarge', tooLarge],
  ['TooManyRequests', throttled],
  ['ServerTimeout', unavailable],
  ['Timeout', unavailable],
  ['InternalError', unavailable],
  ['ServiceUnavailable', unavailable],
])

/** What is before the server, and overload, are answered without a `Status` object. */
const byStatus: ReadonlyMap<number, Meaning> = new Map([
  [400, badRequest],
  [401, refused],
  [403, denied],
  [405, notKubernetes],
  [406, notKubernetes],
  [409, conflict],
  [410, expired],
  [413, tooLarge],
  [415, notKubernetes],
  [422, invalid],
  [429, throttled],
])

/** The error that an answer means. Only the status is kept of it. */
export function statusError(answer: KubeAnswer, isWrite: boolean): SecretsError {
  const { code, problem, remedy } = meaningOf(answer)
  const mayBeDone = isWrite && (code === 'UNAVAILABLE' || code === 'INTERNAL')
  return new SecretsError(code, problem, {
    remedy,
    retryAt: retryAtOf(answer.retryAfter),
    storeStatus: String(answer.status),
    effect: mayBeDone ? 'unknown' : undefined,
  })
}

/** A success that is no JSON object. */
export function unexpectedAnswer(status: number, isWrite: boolean): SecretsError {
  return new SecretsError('INTERNAL', 'the answer is not one of Kubernetes', {
    remedy: reachApi,
    storeStatus: String(status),
    effect: isWrite ? 'unknown' : undefined,
  })
}

/** Whether the server compacted the history or the list that was asked for. */
export function isGone(error: unknown): boolean {
  return SecretsError.isInstance(error) && error.storeStatus === '410'
}

function meaningOf({ status, body }: KubeAnswer): Meaning {
  if (status >= 300 && status < 400) return redirected
  const reason = member(body, 'kind') === 'Status' ? member(body, 'reason') : undefined
  if (status === 404) return absent(member(body, 'details', 'kind'), reason)
  const known = typeof reason === 'string' ? byReason.get(reason) : undefined
  return known ?? byStatus.get(status) ?? (status >= 500 ? unavailable : unknown)
}

/** Only a missing Secret is an absence: a later provider would answer for a wrong address too. */
function absent(kind: unknown, reason: unknown): Meaning {
  if (reason === 'NotFound' && kind === 'secrets') return missing
  return reason === 'NotFound' && kind === 'namespaces' ? noNamespace : notKubernetes
}
