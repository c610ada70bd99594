import { type CallContext, type CredentialLife, SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { longestTimerMs } from '@finchat/secrets-core/provider'
import { asSecretsErrors, type CallBounds, timedCall, untilEnded } from '@finchat/secrets-core/http'
import { leaseMetadata, type Lease } from './lease.ts'
import { LeaseBackOff } from './back-off.ts'
import type { LeaseRequests } from './requests.ts'
import type { TokenStatus } from '../token/token-holder.ts'

export interface LeasedSecretOptions {
  readonly requests: LeaseRequests
  /**
   * The status of the token that a lease was issued under; undefined if that token ended or was
   * refused.
   */
  readonly statusOf: (token: string) => TokenStatus | undefined
  readonly limits: Pick<CallBounds, 'timeoutMs' | 'closing'>
}

/** How long `close()` waits for a lease under way. */
const settlesMs = 750

/** If the clock goes back by more, no expiry is reliable. */
const clockToleranceMs = 1_000

/**
 * The lease of one path. It is renewed in the background and replaced before it ends. Each request
 * creates an account, so only one runs at a time, and it continues when its callers give up.
 */
export class LeasedSecret {
  readonly #path: string
  readonly #options: LeasedSecretOptions
  readonly #backOff = new LeaseBackOff()
  #lease: Lease | undefined
  /** Replaced leases that have not ended: their readers need time to move. */
  #outgoing: Lease[] = []
  #issuing: Promise<boolean> | undefined
  #isRenewing = false
  #renewNotBefore = 0
  /** A lease that no caller has read is neither renewed nor replaced. */
  #isHandedOut = false
  #timer: NodeJS.Timeout | undefined
  #latest = 0
  #isClosed = false

  constructor(path: string, options: LeasedSecretOptions) {
    this.#path = path
    this.#options = options
  }

  get isIdle(): boolean {
    const isLeft = [...this.#outgoing, this.#lease].some((lease) => lease !== undefined && Date.now() < lease.endsAt)
    return !isLeft && this.#issuing === undefined && this.#backOff.isOver
  }

  /**
   * The held lease. Gets another if it has ended, or with `fresh`. Returns undefined if the role
   * does not exist.
   */
  async get({ signal, fresh = false }: CallContext): Promise<StoredSecret | undefined> {
    const held = this.#isClosed || fresh ? undefined : this.#good()
    if (held !== undefined) {
      this.#renewIfDue(held)
      return this.#handOut(held)
    }
    const waiting = { ...this.#options.limits, signal }
    const isIssued = await asSecretsErrors(false, () => timedCall(waiting, (ended) => untilEnded(this.#issue(), ended)))
    if (!isIssued) return undefined
    const issued = this.#good()
    if (issued === undefined) throw this.#isClosed ? closed() : tooLate()
    return this.#handOut(issued)
  }

  /** Undefined for a lease that no caller has read: it is left to end. */
  get life(): CredentialLife | undefined {
    const held = this.#isHandedOut ? this.#lease : undefined
    return held && { expiresAt: held.endsAt, grantedMs: held.grantedMs }
  }

  /** Without the value. Asks nothing of Vault, because each read creates an account. */
  describe(): Omit<StoredSecret, 'value' | 'shape'> {
    const held = this.#good()
    return held === undefined ? { exclusive: true } : leaseMetadata(held, this.#readAgainAt(held))
  }

  /**
   * Revokes leases that do not end with the token, and forgets all. Waits no longer than the
   * signal.
   */
  async close(signal: AbortSignal): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    // A lease under way must not delay the revocation of others.
    await Promise.all([this.#revokeAll(signal), this.#settled()])
    await this.#revokeAll(signal)
  }

  async #settled(): Promise<void> {
    const { closing } = this.#options.limits
    const issuing = Promise.allSettled([this.#issuing])
    await timedCall({ timeoutMs: settlesMs, closing }, (signal) => untilEnded(issuing, signal)).catch(() => {})
  }

  async #revokeAll(signal: AbortSignal): Promise<void> {
    const { requests, statusOf } = this.#options
    this.#replaceBy(undefined)
    const ours = this.#outgoing.filter(({ token, endsAt }) => Date.now() < endsAt && statusOf(token)?.isRevocable === false)
    this.#outgoing = []
    await Promise.allSettled(ours.map((lease) => requests.revoke(this.#path, lease, signal)))
  }

  #good(): Lease | undefined {
    const now = Date.now()
    const isBack = now < this.#latest - clockToleranceMs
    this.#latest = isBack ? now : Math.max(this.#latest, now)
    if (isBack) this.#replaceBy(undefined)
    return this.#lease !== undefined && now < this.#endOf(this.#lease) ? this.#lease : undefined
  }

  #handOut(lease: Lease): StoredSecret {
    this.#isHandedOut = true
    this.#wake()
    return { value: lease.fields.toString(), shape: 'map', ...leaseMetadata(lease, this.#readAgainAt(lease)) }
  }

  #endOf({ token, endsAt }: Lease): number {
    return Math.min(endsAt, this.#options.statusOf(token)?.expiresAt ?? 0)
  }

  /** Only a lease of the token in use can be renewed. */
  #dueAt({ token, renewAt }: Lease): number {
    return Math.max(this.#renewNotBefore, this.#options.statusOf(token)?.isHeld ? renewAt : 0)
  }

  /** When renewal is due, or earlier if the token ends first. */
  #lookAt(lease: Lease): number {
    const end = this.#endOf(lease)
    const tokenLookAt = end < lease.endsAt ? Date.now() + (end - Date.now()) * 0.75 : Number.POSITIVE_INFINITY
    return Math.max(Math.min(this.#dueAt(lease), tokenLookAt), Date.now() + pauseMs(end))
  }

  /** The end that readers see: early enough to move to another account. */
  #readAgainAt(lease: Lease): number {
    return Math.min(this.#lookAt(lease), this.#endOf(lease))
  }

  /** Returns false if the role does not exist. Shared by all callers that wait. */
  #issue(): Promise<boolean> {
    this.#issuing ??= this.#issued().finally(() => (this.#issuing = undefined))
    return this.#issuing
  }

  async #issued(): Promise<boolean> {
    if (this.#isClosed) throw closed()
    this.#backOff.assertMayTry()
    try {
      const lease = await this.#options.requests.issue(this.#path, this.#options.limits.closing)
      this.#backOff.succeeded()
      this.#replaceBy(lease)
      return lease !== undefined
    } catch (error) {
      throw SecretsError.isInstance(error) ? this.#failed(error) : error
    }
  }

  #failed(error: SecretsError): SecretsError {
    if (error.code === 'PERMISSION_DENIED' || error.code === 'UNAUTHENTICATED') this.#replaceBy(undefined)
    return this.#backOff.failed(error)
  }

  #replaceBy(next: Lease | undefined): void {
    const now = Date.now()
    this.#outgoing = [...this.#outgoing, ...(this.#lease === undefined ? [] : [this.#lease])].filter(({ endsAt }) => now < endsAt)
    this.#lease?.fields.fill(0)
    this.#lease = next
    this.#renewNotBefore = 0
    this.#isHandedOut = false
  }

  /** The timer serves only idle processes; every read checks the clock. */
  #wake(): void {
    clearTimeout(this.#timer)
    const lease = this.#lease
    if (this.#isClosed || lease === undefined || !this.#isHandedOut || Date.now() >= this.#endOf(lease)) return
    const look = (): void => {
      const held = this.#good()
      if (held !== undefined) this.#renewIfDue(held)
      if (!this.#isRenewing) this.#wake()
    }
    this.#timer = setTimeout(look, Math.min(this.#lookAt(lease) - Date.now(), longestTimerMs))
    this.#timer.unref()
  }

  #renewIfDue(lease: Lease): void {
    if (Date.now() < this.#dueAt(lease) || this.#isClosed || this.#isRenewing) return
    this.#isRenewing = true
    void this.#renew(lease).finally(() => {
      this.#isRenewing = false
      this.#wake()
    })
  }

  async #renew(lease: Lease): Promise<void> {
    try {
      const renewal = this.#isRenewable(lease)
        ? await this.#options.requests.renew(this.#path, lease, this.#options.limits.closing)
        : 'spent'
      if (this.#lease !== lease) return // replaced meanwhile
      if (renewal === 'gone') this.#replaceBy(undefined)
      if (renewal === 'gone' || renewal === 'spent') await this.#issue()
      else this.#lease = renewal
    } catch {
      // The lease is still good, so this is tried again before it ends.
      this.#renewNotBefore = Date.now() + pauseMs(this.#endOf(lease)) + ((this.#endOf(lease) - Date.now()) / 4) * Math.random()
    }
  }

  #isRenewable({ token, renewable }: Lease): boolean {
    return renewable && this.#options.statusOf(token)?.isHeld === true
  }
}

/** One second, or a quarter of the time that is left. */
function pauseMs(end: number): number {
  return Math.max(100, Math.min(1_000, (end - Date.now()) / 4))
}

function tooLate(): SecretsError {
  return new SecretsError('UNAVAILABLE', 'the lease had ended when its answer came', { remedy: 'try again' })
}

function closed(): SecretsError {
  return new SecretsError('ABORTED', 'the Vault provider is closed', { remedy: 'close it after the last use' })
}
