import { member, retryAtOf } from '@finchat/secrets-core/http'
import { SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'

/** An answer of the API server. */
export interface KubeAnswer {
  readonly status: number
  readonly body: unknown
  readonly retryAfter: string | undefined
}

interface Outcome {
  readonly code: SecretsErrorCode
  readonly problem: string
  readonly remedy: string
}

const fails = (code: SecretsErrorCode, problem: string, remedy: string): Outcome => ({ code, problem, remedy })

const reachApi = 'point `url` at the API server itself, or at what passes its answers on unchanged'
const look = 'look at the API server'
const refused = fails('UNAUTHENTICATED', 'Kubernetes refused the credential', 'give a valid token: it has expired, or is of another cluster')
const denied = fails('PERMISSION_DENIED', "the service account's roles do not allow it", 'allow it, or route the name away')
const missing = fails('NOT_FOUND', 'there is no secret at this path', 'write it first')
const noNamespace = fails('CONFIGURATION', 'there is no such namespace', 'create it, or correct `namespace`')
const conflict = fails('VERSION_CONFLICT', 'another version is current', 'read the secret and decide anew')
const expired = fails('UNAVAILABLE', 'the server no longer has this resource version', 'list or read anew')
const badRequest = fails('INVALID_ARGUMENT', 'Kubernetes refused the request', 'check the path, the value and the tags')
const invalid = fails('INVALID_ARGUMENT', 'Kubernetes refused the secret', 'see whether it is immutable, or its type asks for other fields')
const tooLarge = fails('INVALID_ARGUMENT', 'the request is too large for the server', 'store less')
const throttled = fails('RATE_LIMITED', 'the API server limits the rate', 'ask less often')
const unavailable = fails('UNAVAILABLE', 'the API server failed', look)
const notKubernetes = fails('CONFIGURATION', 'the answer is not one of Kubernetes', reachApi)
const redirected = fails('CONFIGURATION', 'the server redirects, which is not followed with a token', reachApi)
const unknown = fails('INTERNAL', 'the status of the answer is not known', reachApi)

/**
 * Each reason of a `Status` object has one of these (API machinery, `metav1.StatusReason`), and what
 * is before the server answers without such an object.
 */
const byStatus: ReadonlyMap<number, Outcome> = new Map([
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
  const { code, problem, remedy } = classify(answer)
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

function classify({ status, body }: KubeAnswer): Outcome {
  if (status >= 300 && status < 400) return redirected
  if (status === 404) return absent(body)
  return byStatus.get(status) ?? (status >= 500 ? unavailable : unknown)
}

/** Only a missing Secret is an absence: a later provider would answer for a wrong address too. */
function absent(body: KubeAnswer['body']): Outcome {
  if (member(body, 'kind') !== 'Status' || member(body, 'reason') !== 'NotFound') return notKubernetes
  const kind = member(body, 'details', 'kind')
  if (kind === 'namespaces') return noNamespace
  return kind === 'secrets' ? missing : notKubernetes
}
