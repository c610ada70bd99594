import { member } from '@finchat/secrets-core/http'
import { SecretsError } from '@finchat/secrets-core'
import type { VaultAnswer } from '../http/answer.ts'
import { classify } from '../protocol/responses.ts'
import type { AuthContext, Login } from '../auth/vault-auth.ts'
import { type Life, nearsItsEnd, tokenLife } from '../shared/renewal-time.ts'
import { assertToken, TokenBytes } from '../shared/token-bytes.ts'
import { type HeldToken, msOf } from './held-token.ts'
import { answerError, type Send } from '../protocol/request.ts'

/** Uses nothing up, so it may be repeated until there is a leader. */
const lookup = 'sys/wrapping/lookup'

export function authContext(send: Send, signal: AbortSignal): AuthContext {
  return {
    signal,
    post: (path, body, token) => {
      const request = { method: 'POST', path, body: JSON.stringify(body), call: 'login', token } as const
      // The active node: a standby takes a wrapping token that it does not know yet for a used one.
      return send({ ...request, isSingle: path !== lookup, isForActive: true }, signal)
    },
  }
}

/**
 * Returns a token, or the status with which Vault refuses the credentials. Rejects if the answer
 * does not concern them. Asks the active node: a standby that does not know a new secret id yet
 * counts a failed login.
 */
export async function logIn(login: Login, fingerprint: Fingerprint, send: Send, signal: AbortSignal): Promise<HeldToken | number> {
  if ('token' in login) return givenToken(login, fingerprint, send, signal)
  const credential = fingerprint(credentialOf(login))
  const askedAt = Date.now()
  const body = JSON.stringify(login.body)
  const answer = await send({ method: 'POST', path: login.path, body, call: 'login', isForActive: true, isLogin: true }, signal)
  const outcome = classify(answer, 'login')
  if (outcome?.code === 'UNAUTHENTICATED') return answer.status
  if (outcome !== undefined) throw answerError(answer, outcome, 'login')
  return { ...tokenFrom(answer, askedAt), fingerprint: () => credential }
}

function tokenFrom(answer: VaultAnswer, askedAt: number): Omit<HeldToken, 'fingerprint'> {
  const token = member(answer.body, 'auth', 'client_token')
  if (typeof token !== 'string' || token === '') throw noToken(answer)
  assertToken(token)
  const life = tokenLife(msOf(member(answer.body, 'auth', 'lease_duration')), askedAt)
  const uses = member(answer.body, 'auth', 'num_uses')
  const isLimited = typeof uses === 'number' && uses > 0
  return {
    ...identified(token),
    isOurs: true,
    isBatch: member(answer.body, 'auth', 'token_type') === 'batch',
    // A renewal takes a use.
    renewable: !isLimited && member(answer.body, 'auth', 'renewable') === true,
    uses: isLimited ? { left: uses } : undefined,
    ...life,
  }
}

/** A keyed digest, which identifies a credential without keeping it. */
export type Fingerprint = (credential: string) => string

/** Identifies the login's credential. */
export function credentialOf(login: Login): string {
  return 'path' in login ? (login.credential ?? JSON.stringify(login)) : login.token
}

let tokens = 0

function identified(token: string): Pick<HeldToken, 'token' | 'id'> {
  tokens += 1
  return { token: new TokenBytes(token), id: String(tokens) }
}

function noToken(answer: VaultAnswer): SecretsError {
  return typeof member(answer.body, 'auth', 'mfa_requirement') === 'object' && member(answer.body, 'auth', 'mfa_requirement') !== null
    ? new SecretsError('CONFIGURATION', 'the login asks for a second factor, which a program does not have', {
        remedy: 'use a role without MFA',
      })
    : new SecretsError('INTERNAL', 'the login was answered without a token', { storeStatus: String(answer.status) })
}

async function givenToken(
  { token, expiresAt, isOnlyOne }: Extract<Login, { token: string }>,
  fingerprint: Fingerprint,
  send: Send,
  signal: AbortSignal,
): Promise<HeldToken> {
  const askedAt = Date.now()
  const given = identified(token)
  const own = { ...given, fingerprint: () => fingerprint(given.token.text()), isOurs: false, isBatch: false }
  if (expiresAt !== undefined) return { ...own, renewable: false, ...tokenLife(Math.max(0, expiresAt - askedAt), askedAt) }
  return { ...own, ...givenLife(isOnlyOne ? await lookUp(token, send, signal) : undefined, askedAt) }
}

/** Looks up a token that cannot be replaced. Its policies may not allow that. */
async function lookUp(token: string, send: Send, signal: AbortSignal): Promise<VaultAnswer | undefined> {
  const request = { method: 'GET', path: 'auth/token/lookup-self', call: 'login', token, isOptional: true } as const
  const [answer] = await Promise.allSettled([send(request, signal)])
  return answer.status === 'fulfilled' && answer.value.status === 200 ? answer.value : undefined
}

function givenLife(found: VaultAnswer | undefined, askedAt: number): Pick<HeldToken, 'renewable' | keyof Life> {
  if (found === undefined) return { renewable: false, ...tokenLife(msOf(undefined), askedAt) }
  const [ttl, renewable] = [member(found.body, 'data', 'ttl'), member(found.body, 'data', 'renewable')]
  return { renewable: renewable === true, ...tokenLife(msOf(ttl), askedAt) }
}

/** The renewed token; undefined if it nears its end and should be replaced. */
export async function renewed(held: HeldToken, send: Send, signal: AbortSignal): Promise<HeldToken | undefined> {
  const askedAt = Date.now()
  const answer = await send({ method: 'POST', path: 'auth/token/renew-self', body: '{}', call: 'login', token: held.token.text() }, signal)
  const outcome = classify(answer, 'login')
  if (outcome !== undefined) throw answerError(answer, outcome, 'login')
  const ms = msOf(member(answer.body, 'auth', 'lease_duration'), 0)
  return nearsItsEnd(ms, held) ? undefined : { ...held, ...tokenLife(ms, askedAt), grantedMs: held.grantedMs }
}
