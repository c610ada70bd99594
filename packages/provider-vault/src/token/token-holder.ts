import { type CredentialLife, SecretsError } from '@finchat/secrets-core'
import { loadCrypto, longestTimerMs } from '@finchat/secrets-core/provider'
import { classify } from '../protocol/responses.ts'
import type { VaultAuth } from '../auth/vault-auth.ts'
import { asSecretsErrors, assertRunning, timedCall, untilEnded } from '@finchat/secrets-core/http'
import { type HeldToken, takeUse } from './held-token.ts'
import { authContext, credentialOf, type Fingerprint, logIn, renewed } from './login.ts'
import { LoginBackOff } from './back-off.ts'
import type { LoginEvents } from './login-events.ts'
import { loginRefused, tokenRefused } from './auth-errors.ts'
import { answerError, type Send } from '../protocol/request.ts'
import { SingleFlight } from '../shared/single-flight.ts'

/** Limits `close()` to less than a manager allows, if the server does not answer. */
const loginSettlesMs = 2_000
const revokeTimeoutMs = 1_000
/** Refused tokens may still be valid, if a standby was behind. */
const mostRefused = 20
const soonestRetryMs = 1_000

export interface TokenHolderOptions {
  readonly auth: VaultAuth | undefined
  readonly send: Send
  readonly events: LoginEvents
  readonly timeoutMs: number
  readonly closing: AbortSignal
}

/** The status of a token that a lease was issued under. */
export interface TokenStatus {
  /** The end of the token and its leases. */
  readonly expiresAt: number
  /** Only the token in use is renewed. */
  readonly isHeld: boolean
  /** `close()` revokes it. */
  readonly isRevocable: boolean
}

/** The provider's one token. The first use logs in, once for all callers. */
export class TokenHolder {
  readonly #options: TokenHolderOptions
  readonly #backOff = new LoginBackOff()
  #held: HeldToken | undefined
  /** Former tokens that have not ended: their leases are still in use. */
  #replaced: HeldToken[] = []
  /** Revoked at the end. */
  #refused: HeldToken[] = []
  readonly #login = new SingleFlight(() => this.#logIn())
  #isRefreshing = false
  #timer: NodeJS.Timeout | undefined
  #salt: Uint8Array | undefined
  // A field, because a closure of a login would keep that login's credential in memory.
  readonly #fingerprint: Fingerprint = (credential) => {
    const { createHmac, randomBytes } = loadCrypto()
    this.#salt ??= randomBytes(32)
    return createHmac('sha256', this.#salt).update(credential).digest('base64')
  }
  #isClosing = false
  #closing: Promise<void> | undefined

  constructor(options: TokenHolderOptions) {
    this.#options = options
  }

  /** A token for one request. If this caller gives up, the login continues for others. */
  async token(signal: AbortSignal): Promise<string> {
    for (;;) {
      assertRunning(signal)
      this.#assertOpen()
      const held = this.take()
      if (held !== undefined) return held
      const next = await this.#login.get(signal)
      if (takeUse(next)) return next.token.text() // else other callers took all its uses
    }
  }

  /** A token for one request, if no login is needed. */
  take(): string | undefined {
    const held = this.#held
    if (held === undefined || this.#isClosing || Date.now() >= held.endsAt || !takeUse(held)) return undefined
    this.#refreshIfDue(held)
    return held.token.text()
  }

  /** False: all uses were taken, so the token has ended. */
  hasUseLeft(token: string): boolean {
    return this.#known(token)?.uses?.left !== 0
  }

  /** The id that a lease remembers; empty for an unknown token. */
  idOf(token: string): string {
    return this.#known(token)?.id ?? ''
  }

  /** Returns a use that the request did not need. */
  returnUse(token: string): void {
    const uses = this.#known(token)?.uses
    if (uses !== undefined) uses.left += 1
  }

  /** Another token after Vault refused this one; the same if there is no other. */
  async replace(token: string, signal: AbortSignal): Promise<string> {
    if (this.#held?.token.is(token) === true) this.#drop(this.#held)
    return this.token(signal)
  }

  /** Vault refused it for good. Returns the error. */
  refused(token: string): SecretsError {
    const held = this.#held
    if (held === undefined) return this.#backOff.refusal ?? tokenRefused(false).error // another call reported it
    if (!held.token.is(token))
      return new SecretsError('UNAUTHENTICATED', 'Vault refused the token', { remedy: 'try again, another one was got meanwhile' })
    this.#drop(held)
    const refusal = tokenRefused(held.isOurs)
    void this.#options.events.report('token', async () => Promise.reject(refusal.error)).catch(() => {})
    return this.#backOff.refused(held.fingerprint(), refusal)
  }

  #drop(held: HeldToken): void {
    this.#held = undefined
    const [oldest] = this.#refused.length === mostRefused ? this.#refused.splice(0, 1) : []
    oldest?.token.wipe()
    this.#refused.push(held)
  }

  /** Of the last token; undefined before one, after a refusal, and if its end is not known. */
  get life(): CredentialLife | undefined {
    if (this.#held === undefined) return undefined
    const { endsAt, grantedMs } = this.#held
    return endsAt < Infinity ? { expiresAt: endsAt, grantedMs } : undefined
  }

  /** Undefined for a token that has ended or was refused. */
  statusOf(id: string): TokenStatus | undefined {
    const known = [this.#held, ...this.#replaced].find((each) => each?.id === id)
    if (known === undefined || Date.now() >= known.endsAt || known.uses?.left === 0) return undefined
    return { expiresAt: known.endsAt, isHeld: known === this.#held, isRevocable: known.isOurs && !known.isBatch }
  }

  #known(token: string): HeldToken | undefined {
    return [this.#held, ...this.#replaced].find((each) => each?.token.is(token))
  }

  /** Revokes the tokens of our logins, and so their leases. Never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#isClosing = true
    clearTimeout(this.#timer)
    const login = this.#login.current
    const known = this.#takeAll()
    // A login that fails, hangs or is late must not delay the revocation of other tokens.
    await Promise.all([this.#revokeAll(known), login && this.#settled(login)])
    const late = this.#takeAll()
    await this.#revokeAll(late)
    for (const { token } of [...known, ...late]) token.wipe()
  }

  #takeAll(): readonly HeldToken[] {
    const all = [...this.#refused, ...this.#replaced, ...(this.#held === undefined ? [] : [this.#held])]
    this.#held = undefined
    this.#replaced = []
    this.#refused = []
    return all
  }

  /** Waits for the login, whose token is held then. */
  async #settled(login: Promise<HeldToken>): Promise<void> {
    const bounds = { timeoutMs: loginSettlesMs, closing: this.#options.closing }
    await timedCall(bounds, (signal) => untilEnded(login, signal)).catch(() => {})
  }

  async #revokeAll(tokens: readonly HeldToken[]): Promise<void> {
    const { send, events, closing } = this.#options
    // Without a use left it has ended.
    const ours = tokens.filter((each) => each.isOurs && Date.now() < each.endsAt && takeUse(each))
    if (ours.length === 0) return
    const revokeOne = (each: HeldToken, signal: AbortSignal): Promise<void> =>
      events.report('revoke', () => untilEnded(revoke(each, send, signal), signal))
    await timedCall({ timeoutMs: revokeTimeoutMs, closing }, (signal) =>
      Promise.allSettled(ours.map((each) => revokeOne(each, signal))),
    ).catch(() => {})
  }

  #assertOpen(): void {
    if (this.#isClosing) throw new SecretsError('ABORTED', 'the Vault provider is closed', { remedy: 'close it after the last use' })
  }

  async #logIn(): Promise<HeldToken> {
    this.#assertOpen() // no later call would revoke the token
    this.#backOff.assertMayTry()
    const { events, timeoutMs, closing } = this.#options
    try {
      const attempt = (): Promise<HeldToken> =>
        asSecretsErrors(false, () => timedCall({ timeoutMs: beforeCallers(timeoutMs), closing }, (signal) => this.#attempt(signal)))
      // No login proves a given token.
      const held = await events.report('login', attempt, { found: ({ isOurs }) => (isOurs ? {} : { operation: 'token' }) })
      this.#backOff.succeeded()
      this.#hold(held)
      return held
    } catch (error) {
      if (SecretsError.isInstance(error)) this.#backOff.failed(error)
      throw error
    }
  }

  /** One try, with credentials that are read anew. */
  async #attempt(signal: AbortSignal): Promise<HeldToken> {
    const { auth, send } = this.#options
    if (auth === undefined)
      throw new SecretsError('CREDENTIALS_MISSING', 'no credential for Vault is configured', {
        remedy: 'give `auth`; vaultFromEnv takes a token from FINCHAT_VAULT_TOKEN',
      })
    const login = await untilEnded(auth.prepare(authContext(send, signal)), signal)
    const fingerprint = (): string => this.#fingerprint(credentialOf(login))
    this.#backOff.assertNotRefused(fingerprint)
    const onLost = (): void => this.#backOff.lost(fingerprint())
    const held = await logIn(login, this.#fingerprint, (outgoing, until) => send({ ...outgoing, onLost }, until), signal)
    if (typeof held !== 'number') return held
    const path = 'path' in login ? login.path : ''
    const refusal = loginRefused({ method: auth.method, path, status: held, wasLost: this.#backOff.wasLost(fingerprint()) })
    throw this.#backOff.refused(fingerprint(), refusal)
  }

  #hold(held: HeldToken): void {
    const former = this.#held
    const isSame = former?.token.is(held.token.text()) === true
    const known = [...this.#replaced, ...(former === undefined ? [] : [former])].filter(({ token }) => token !== held.token)
    // A token without a known end is replaced only after a refusal.
    const isLeft = (each: HeldToken): boolean => !(isSame && each === former) && Date.now() < each.endsAt && each.endsAt < Infinity
    this.#replaced = known.filter(isLeft)
    this.#held = isSame ? { ...held, id: former.id } : held
    for (const each of known) if (!this.#replaced.includes(each)) each.token.wipe()
    this.#wakeAt(held.renewAt)
  }

  /** The timer serves only idle processes; every use checks the clock. */
  #wakeAt(time: number): void {
    clearTimeout(this.#timer)
    if (this.#isClosing || time === Number.POSITIVE_INFINITY) return
    const wake = (): void => {
      const held = this.#held
      if (held === undefined || Date.now() >= held.endsAt) return // the next use logs in
      if (Date.now() >= held.renewAt) this.#refreshIfDue(held)
      else this.#wakeAt(held.renewAt)
    }
    this.#timer = setTimeout(wake, Math.min(Math.max(time - Date.now(), 0), longestTimerMs))
    this.#timer.unref()
  }

  #refreshIfDue(held: HeldToken): void {
    if (Date.now() < held.renewAt || this.#isClosing || this.#isRefreshing) return
    this.#isRefreshing = true
    void this.#refreshed(held).finally(() => (this.#isRefreshing = false))
  }

  async #refreshed(held: HeldToken): Promise<void> {
    const { send, events, timeoutMs, closing } = this.#options
    try {
      const renew = (): Promise<HeldToken | undefined> =>
        asSecretsErrors(false, () => timedCall({ timeoutMs, closing }, (signal) => renewed(held, send, signal)))
      const next = held.renewable ? await events.report('renew', renew) : undefined
      if (this.#held !== held) return // replaced meanwhile
      if (next === undefined) await this.#login.start()
      else this.#hold(next)
    } catch {
      // The token is still good. Later calls try again, and finally log in and report the error.
      const wait = Math.max(soonestRetryMs, ((held.endsAt - Date.now()) / 4) * Math.random())
      if (this.#held === held) this.#hold({ ...held, renewAt: Date.now() + wait })
    }
  }
}

/** Ends a login before its callers' time, so that they report why it failed. */
function beforeCallers(timeoutMs: number): number {
  return timeoutMs - Math.min(100, timeoutMs / 20)
}

async function revoke({ token: held, isBatch }: HeldToken, send: Send, signal: AbortSignal): Promise<void> {
  if (isBatch) throw new SecretsError('UNSUPPORTED', 'a batch token cannot be revoked: it is good until it expires')
  const request = { method: 'POST', path: 'auth/token/revoke-self', body: '{}', call: 'login' } as const
  const answer = await send({ ...request, token: held.text(), isForActive: true }, signal) // a standby may not know it yet
  const outcome = classify(answer, 'login')
  if (outcome?.code === 'UNAUTHENTICATED') return // it has ended
  if (outcome !== undefined) throw answerError(answer, outcome, 'login')
}
