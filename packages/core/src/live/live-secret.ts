import { SecretsError } from '../errors/secrets-error.ts'
import { closed } from '../guard/deadline.ts'
import { warnOperator } from '../guard/outage-warning.ts'
import { type ManagerParts, partsOf } from '../manager/parts.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { own } from '../errors/own-properties.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'
import { HandleUsage } from '../usage/handle-usage.ts'
import { hubOf, type LiveName } from './live-hub.ts'
import type { LiveState } from './known/live-state.ts'
import { scopeOf } from './logins/login-scope.ts'
import { knownLoginOptions, type LoginOptions } from './logins/use-options.ts'
import { assertSecretValues } from '../usage/mark-input.ts'
import { intervalMsOf, knownLiveOptions, type LiveOptions } from './watch-options.ts'

/** A secret that follows its rotation. Dispose of it when it is not needed any more. */
export interface LiveSecret extends Disposable {
  /**
   * The value to use now, without a promise. Throws `UNAVAILABLE` before the first one came, and
   * once it has expired.
   */
  readonly current: SecretValue
  /**
   * Resolves with the first value, and rejects if the first read fails. `current` works as soon as
   * a later one succeeds.
   */
  readonly ready: Promise<void>
  readonly version: number | undefined
  /** When this process saw the current version for the first time, epoch milliseconds. */
  readonly changedAt: number
  /** The store could not be asked lately, or denies the secret: `current` may be old. */
  readonly stale: boolean
  /**
   * Reports a login that was refused with this value. Resolves to the value to try next: read past
   * the cache, then the staged version, then the previous one. One search for all callers. Rejects
   * with `CONFIGURATION` if it gets no secret value.
   */
  readonly refused: (used: SecretValue) => Promise<SecretValue>
  /**
   * Runs one login with the value to use, and tells all other logins of the secret how it ended.
   * While that value is known to be refused, one login alone tries again, and the others wait: up
   * to five seconds, and then reject with `UNAVAILABLE`. It does not try again by itself, so put
   * `useSecret` around the pool. Its error is the client's own.
   */
  readonly logIn: <T>(run: (value: SecretValue) => Promise<T> | T, options: LoginOptions) => Promise<T>
  /**
   * For clients that ask for a password at each connection, such as `pg` and `postgres`. While that
   * password is known to be refused, one login alone tries again, and the others wait.
   */
  readonly asPasswordFunction: (options?: PasswordOptions) => () => Promise<string>
}

/** Options of `asPasswordFunction`. */
export interface PasswordOptions {
  /** The member of the secret's JSON object. Default: the whole text. */
  readonly field?: string | undefined
}

const passwordMembers: MembersOf<PasswordOptions> = { field: 'string' }

/**
 * Follows a secret. `current` is synchronous; a probe in the background keeps it up to date, and in
 * an outage the last value stays. The handle ends with `dispose` or the manager's `close()`.
 *
 * @example
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 * import { liveSecret } from '@finchat/secrets-core/live'
 *
 * const secrets = createSecretsManager({ providers: [envProvider({ env: { DB_PASSWORD: 'hunter2' } })] })
 * const password = liveSecret(secrets, 'DB_PASSWORD')
 * await password.ready
 * console.log(`${password.current}`, password.stale) // [redacted] false
 * const poolOptions = { password: password.asPasswordFunction() } // for `new pg.Pool(poolOptions)`
 * console.log((await poolOptions.password()).length) // 7
 * await secrets.close()
 */
export function liveSecret(secrets: SecretsManager, name: string, options: LiveOptions = {}): LiveSecret {
  const parts = partsOf(secrets)
  if (parts.bounds.closing.aborted) throw closed()
  return new LiveHandle(parts, name, knownLiveOptions(options))
}

class LiveHandle implements LiveSecret {
  readonly #parts: ManagerParts
  readonly #live: LiveName
  readonly #state: LiveState
  readonly #name: string
  readonly #leave: () => void
  readonly #ready = Promise.withResolvers<void>()
  readonly #usage: HandleUsage | undefined
  #isDisposed = false

  constructor(parts: ManagerParts, name: string, options: LiveOptions) {
    const hub = hubOf(parts)
    this.#parts = parts
    this.#name = name
    this.#live = hub.live(name)
    this.#state = this.#live.state
    // A caller that does not wait for it sees the failure at `current`.
    this.#ready.promise.catch(() => {})
    const { resolve, reject } = this.#ready
    this.#usage = options.usageMarks ? new HandleUsage(parts, name, this.#state, options.actor) : undefined
    const told = (): unknown => (this.#usage === undefined ? resolve() : this.#usage.changed().then(resolve))
    this.#leave = hub.watch(name, {
      intervalMs: intervalMsOf(options),
      began: () => void told(),
      changed: () => void told(),
      delayed: reject,
      lost: (error) => this.#lost(error),
      ended: () => reject(closed()),
    })
  }

  get current(): SecretValue {
    return this.#state.usable ?? this.#missing()
  }

  get ready(): Promise<void> {
    return this.#ready.promise
  }

  get version(): number | undefined {
    return this.#state.best?.version
  }

  get changedAt(): number {
    return this.#state.changedAt
  }

  get stale(): boolean {
    return !this.#state.isSure || this.#state.isExpired || this.#state.best?.stale === true
  }

  readonly refused = async (used: SecretValue): Promise<SecretValue> => {
    assertSecretValues([used])
    this.#state.wasRefused(used)
    return this.#live.candidates.after(used)
  }

  asPasswordFunction(options: PasswordOptions = {}): () => Promise<string> {
    const { field } = knownOptions(options, passwordMembers, 'INVALID_ARGUMENT')
    this.#state.givesPasswords = true
    return async () => passwordOf(this.#given(await this.#admitted()), field)
  }

  async logIn<T>(run: (value: SecretValue) => Promise<T> | T, options: LoginOptions): Promise<T> {
    const { isAuthError } = knownLoginOptions(options)
    this.#state.givesPasswords = true
    const value = await this.#admitted()
    const marked = (): Promise<T> | T => (this.#usage === undefined ? run(value) : this.#usage.during(value, run))
    return this.#live.logins.run(marked, value, isAuthError)
  }

  /** The value for a login that may begin now. */
  async #admitted(): Promise<SecretValue> {
    this.#assertKept()
    const first = this.#state.best === undefined ? await this.#first() : undefined
    // First, since the password may be refused meanwhile. Again for what became current while it was held.
    if (this.#usage !== undefined) await this.#usage.settled()
    if (first === undefined) await this.#live.logins.admit(scopeOf(this.#parts, this.#name), () => this.#isDisposed)
    await this.#usage?.settled()
    this.#assertKept()
    return first ?? this.current
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    this.#leave()
    this.#ready.reject(disposed(this.#name))
    this.#usage?.end()
  }

  /** A refusal of the login counts for it. */
  #given(value: SecretValue): SecretValue {
    const scope = scopeOf(this.#parts, this.#name)
    if (scope !== undefined) scope.given = value
    return value
  }

  /** It has told the fleet that it uses no version any more. */
  #assertKept(): void {
    if (this.#isDisposed) throw disposed(this.#name)
  }

  /** After an outage at start the next look may be a minute away. */
  async #first(): Promise<SecretValue> {
    const [ready] = await Promise.allSettled([this.ready])
    if (ready.status === 'fulfilled') return this.current
    const value = await this.#parts.reader.getSecretValue(this.#name)
    await this.#usage?.gives(value)
    return value
  }

  #lost(error: SecretsError): void {
    this.#ready.reject(error)
    warnOperator(
      `A live secret is denied or not there; what was read stays, and it goes on trying: ${error.message}`,
      'FINCHAT_SECRETS_WATCH',
    )
  }

  #missing(): never {
    if (this.#state.isExpired) throw expired(this.#name)
    throw new SecretsError('UNAVAILABLE', 'no value was read yet', { secret: this.#name, remedy: 'await `ready` first' })
  }
}

function disposed(secret: string): SecretsError {
  return new SecretsError('ABORTED', 'the live secret was disposed of', { secret, remedy: 'make a new handle with `liveSecret`' })
}

function expired(secret: string): SecretsError {
  return new SecretsError('UNAVAILABLE', 'the value has expired, and no newer one was read yet', {
    secret,
    remedy: 'see whether the store can be asked, and renew the secret there',
  })
}

/** The error names no member: a wrong name may be a part of the secret. */
function passwordOf(value: SecretValue, field: string | undefined): string {
  if (field === undefined) return value.reveal()
  const password = own(value.json(), field)
  if (typeof password === 'string') return password
  throw new SecretsError('INVALID_ARGUMENT', 'the secret has no text in that field', { remedy: 'name one of its fields' })
}
