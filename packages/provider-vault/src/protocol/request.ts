import { SecretsError } from '@finchat/secrets-core'
import { isLate, pauseWithin, retryAtOf, TransportError } from '@finchat/secrets-core/http'
import { jittered } from '@finchat/secrets-core/provider'
import { says, type VaultAnswer } from '../http/answer.ts'
import { type CallKind, type Outcome, classify } from './responses.ts'
import type { ReplicaState } from './replica-state.ts'
import type { Exchange, VaultRequest } from '../http/transport.ts'

/** How often a request is sent, if repeating it is safe. */
const mostAttempts = 3
const firstPauseMs = 100
/** An election takes seconds, and many processes wait for it. */
const longestElectionPauseMs = 1_000
/** The caller waits for a later time that the server names. */
const longestPauseMs = 2_000

export interface Outgoing extends Omit<VaultRequest, 'headers'> {
  readonly call: CallKind
  readonly token?: string | undefined
  readonly contentType?: string | undefined
  /** Uses something up, such as a wrapping token: repeated only if the server did nothing. */
  readonly isSingle?: boolean
  /** Its answer is not needed, so it is sent once. */
  readonly isOptional?: boolean
  /** Asks for the active node, if the server allows that. */
  readonly isForActive?: boolean
  /** Called when an attempt had no usable answer, though the server may have done it. */
  readonly onLost?: () => void
}

export interface SenderOptions {
  readonly exchange: Exchange
  readonly state: ReplicaState
  readonly namespace: string | undefined
  /** Whether the transport returns headers, which hold the cluster's state. */
  readonly hasHeaders?: boolean
}

/** Resolves to any answer; rejects with `TransportError`. */
export type Send = (outgoing: Outgoing, signal: AbortSignal) => Promise<VaultAnswer>

/** Adds the common headers. Repeats requests that had no effect, if waiting helps. */
export function vaultSender({ exchange, state, namespace, hasHeaders = true }: SenderOptions): Send {
  const once: SendOnce = async (outgoing, signal) => {
    const { method, path, body, isLogin } = outgoing
    try {
      const headers = headersOf(outgoing, namespace, state)
      const answer = await exchange({ method, path, body, headers, ...(isLogin && { isLogin }) }, signal)
      state.saw(answer.index)
      return answer
    } catch (error) {
      return failureOf(error)
    }
  }
  const repeated = repeating(once, state)
  return hasHeaders ? afterState(repeated, state) : repeated
}

type SendOnce = (outgoing: Outgoing, signal: AbortSignal) => Promise<Attempted>

function repeating(once: SendOnce, state: ReplicaState): Send {
  return async (outgoing, signal) => {
    let faults = 0
    let isElection = false
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await once(outgoing, signal)
      if (isLost(outcome, outgoing.call)) outgoing.onLost?.()
      if (isForeignState(outcome)) state.forget()
      if (isForwardingRefused(outcome)) state.cannotForward()
      const repeats = repeatsOf(outcome, outgoing)
      if (repeats === 'none') return unsettled(outcome)
      isElection ||= repeats === 'in time'
      // A balancer may still lead to the dead node until its health check notices.
      if (repeats === 'few' && !(isElection && outcome instanceof TransportError)) faults += 1
      const ms = pauseMs(outcome, attempt)
      const isLast = faults === mostAttempts || ms > longestPauseMs
      if (isLast || !(await hadTime(ms, signal))) return unsettled(outcome)
    }
  }
}

/** Asks for the cluster's state before the first request that needs it (`isForActive`). */
function afterState(send: Send, state: ReplicaState): Send {
  let isStateAsked = false
  return async (outgoing, signal) => {
    if (outgoing.isForActive !== true || isStateAsked || state.isKnown) return send(outgoing, signal)
    // This path returns the state without a token.
    const shown = await send({ method: 'GET', path: 'sys/internal/ui/mounts', call: 'read' }, signal).catch(unsent)
    const outcome = classify(shown, 'read')
    if (outcome?.code === 'UNAVAILABLE') {
      // The write itself was not sent.
      return outgoing.call === 'write' ? unsent(new TransportError(outcome.code, outcome.problem, outcome)) : shown
    }
    isStateAsked = true
    return send(outgoing, signal)
  }
}

/** Rethrows the error of a preceding request: the request in question was not sent. */
function unsent(error: unknown): never {
  if (!(error instanceof TransportError)) throw error
  const { code, message, remedy, storeStatus } = error
  throw new TransportError(code, message, { remedy, storeStatus })
}

type Attempted = VaultAnswer | TransportError

function headersOf(outgoing: Outgoing, namespace: string | undefined, state: ReplicaState): Record<string, string> {
  const { body, token, contentType, isForActive } = outgoing
  // Vault's agent may require it, against forged requests.
  const headers: Record<string, string> = { 'X-Vault-Request': 'true', Accept: 'application/json' }
  if (body !== undefined) headers['Content-Type'] = contentType ?? 'application/json'
  if (token !== undefined) headers['X-Vault-Token'] = token
  if (namespace !== undefined) headers['X-Vault-Namespace'] = namespace
  return Object.assign(headers, state.headers(isForActive))
}

function failureOf(error: unknown): TransportError {
  if (error instanceof TransportError) return error
  if (SecretsError.isInstance(error)) throw error
  return new TransportError('INTERNAL', 'the request failed in a way that is not known', { sent: true })
}

function unsettled(outcome: Attempted): VaultAnswer {
  if (outcome instanceof TransportError) throw outcome
  return outcome
}

function repeatsOf(outcome: Attempted, { call, isSingle = false, isOptional = false }: Outgoing): 'none' | 'few' | 'in time' {
  if (isForeignState(outcome) || isForwardingRefused(outcome)) return 'few'
  const again = againOf(outcome, call)
  if (again === 'all') return 'few'
  if (call === 'write' || isOptional || again === undefined) return 'none'
  if (isSingle && mayBeDone(outcome)) return 'none'
  return again === 'election' ? 'in time' : 'few'
}

/** Every answer: a standby redirects also if the connection broke over which it had forwarded. */
function mayBeDone(outcome: Attempted): boolean {
  return !(outcome instanceof TransportError) || outcome.sent
}

function isLost(outcome: Attempted, call: CallKind): boolean {
  return outcome instanceof TransportError ? outcome.sent : classify(outcome, call)?.isOpen === true
}

function againOf(outcome: Attempted, call: CallKind): Outcome['again'] {
  if (outcome instanceof TransportError) return outcome.code === 'UNAVAILABLE' ? 'read' : undefined
  return classify(outcome, call)?.again
}

/** Returns false at the deadline: the last answer is a better error than the deadline. */
async function hadTime(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pauseWithin(ms, signal)
    return true
  } catch (error) {
    if (isLate(signal)) return false
    throw error
  }
}

/** The node cannot read the state of another node. The request had no effect. */
function isForeignState(outcome: Attempted): boolean {
  return !(outcome instanceof TransportError) && outcome.status === 400 && says(outcome, 'errors', 'X-Vault-Index')
}

/** The server does not forward requests for clients. The request had no effect. */
function isForwardingRefused(outcome: Attempted): boolean {
  return !(outcome instanceof TransportError) && outcome.status === 400 && says(outcome, 'errors', 'forwarding via header')
}

/** Grows, with jitter to spread a fleet. Longer if the server named a time. */
function pauseMs(outcome: Attempted, attempt: number): number {
  const named = outcome instanceof TransportError ? undefined : retryAtOf(outcome.retryAfter)
  const usual = jittered(Math.min(firstPauseMs * 3 ** (attempt - 1), longestElectionPauseMs))
  return Math.max(usual, (named ?? 0) - Date.now())
}

/** Quotas count by the second. Jitter spreads the logins of a fleet. */
function afterQuota(): number {
  return Date.now() + Math.ceil(1_000 * (1 + Math.random()))
}

export function answerError(
  answer: VaultAnswer,
  outcome: Outcome,
  call: CallKind,
  remedy: string | undefined = outcome.remedy,
): SecretsError {
  return new SecretsError(outcome.code, outcome.problem, {
    remedy,
    retryAt: retryAtOf(answer.retryAfter) ?? (call === 'login' && outcome.code === 'RATE_LIMITED' ? afterQuota() : undefined),
    storeStatus: String(answer.status),
    effect: call === 'write' && outcome.isOpen ? 'unknown' : undefined,
  })
}
