import { type CallContext, SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { type Bounds, bounded, longestTimerMs, untilEnded } from '../shared/deadline.ts'
import { leaseMetadata, type Lease } from './lease.ts'
import { LeaseBackOff } from './back-off.ts'
import type { LeaseRequests } from './requests.ts'
import type { TokenStatus } from '../token/token-holder.ts'
import { asSecretsErrors } from '../shared/transport-error.ts'

export interface LeasedSecretOptions {
  readonly requests: LeaseRequests
  /** What is known of the token that a lease was issued under; `undefined`: it has ended or was refused, and the lease with it. */
  readonly statusOf: (token: string) => TokenStatus | undefined
  readonly limits: Pick<Bounds, 'timeoutMs' | 'closing'>
}

/** When a provider closes, for a lease that is on its way. */
const settlesMs = 750

/** A clock that goes back by more than this makes every bound worthless. */
const clockToleranceMs = 1_000

/**
 * What is leased at one path: one lease, held while it is valid, renewed in the background, and replaced by another one while it is still good
 * for a while. A request for a lease makes an account, so there is one at a time, which goes on when those who wait for it give up.
 */
export class LeasedSecret {
  readonly #path: string
  readonly #options: LeasedSecretOptions
  readonly #backOff = new LeaseBackOff()
  #lease: Lease | undefined
  /** Replaced, and good until they end: who reads them must have time to move. */
  #outgoing: Lease[] = []
  #issuing: Promise<boolean> | undefined
  #isRenewing = false
  #renewNotBefore = 0
  /** A lease that nobody has is neither renewed nor replaced. */
  #isHandedOut = false
  #timer: NodeJS.Timeout | undefined
  #latest = 0
  #isClosed = false

  constructor(path: string, options: LeasedSecretOptions) {
    this.#path = path
    this.#options = options
  }

  /** There is nothing to remember. */
  get isIdle(): boolean {
    const isLeft = [...this.#outgoing, this.#lease].some((lease) => lease !== undefined && Date.now() < lease.endsAt)
    return !isLeft && this.#issuing === undefined && this.#backOff.isOver
  }

  /** The lease that is held; another one only if that has ended, or with `fresh`. `undefined`: there is no such role. */
  async get({ signal, fresh = false }: CallContext): Promise<StoredSecret | undefined> {
    const held = this.#isClosed || fresh ? undefined : this.#good()
    if (held !== undefined) {
      this.#renewIfDue(held)
      return this.#handOut(held)
    }
    const waiting = { ...this.#options.limits, signal }
    const isIssued = await asSecretsErrors(false, () => bounded(waiting, (ended) => untilEnded(this.#issue(), ended)))
    if (!isIssued) return undefined
    const issued = this.#good()
    if (issued === undefined) throw this.#isClosed ? closed() : tooLate()
    return this.#handOut(issued)
  }

  /** Without its value, and without asking Vault: to know more would be to make an account. */
  describe(): Omit<StoredSecret, 'value' | 'shape'> {
    const held = this.#good()
    return held === undefined ? { exclusive: true } : leaseMetadata(held, this.#readAgainAt(held))
  }

  /** Revokes what does not end with the token, which tells where that fails, and forgets all. Waits no longer than the signal. */
  async close(signal: AbortSignal): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    // A lease that is on its way, and may never come, takes no time from those that are here.
    await Promise.all([this.#revokeAll(signal), this.#settled()])
    await this.#revokeAll(signal)
  }

  async #settled(): Promise<void> {
    const { closing } = this.#options.limits
    const issuing = Promise.allSettled([this.#issuing])
    await bounded({ timeoutMs: settlesMs, closing }, (signal) => untilEnded(issuing, signal)).catch(() => {})
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

  /** Under another token than that in use a lease cannot be kept: that token is not renewed any more. */
  #dueAt({ token, renewAt }: Lease): number {
    return Math.max(this.#renewNotBefore, this.#options.statusOf(token)?.isHeld ? renewAt : 0)
  }

  /** When it is due; where the token ends first, before that, to see whether it was renewed or replaced meanwhile. */
  #lookAt(lease: Lease): number {
    const end = this.#endOf(lease)
    const tokenLookAt = end < lease.endsAt ? Date.now() + (end - Date.now()) * 0.75 : Number.POSITIVE_INFINITY
    return Math.max(Math.min(this.#dueAt(lease), tokenLookAt), Date.now() + pauseMs(end))
  }

  /** What a reader is told as the end: not the very last moment, so that whoever reads again then has time to move to another account. */
  #readAgainAt(lease: Lease): number {
    return Math.min(this.#lookAt(lease), this.#endOf(lease))
  }

  /** Whether Vault has such a role. One request for all who wait. */
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
    // What was taken from us is not handed out any more.
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

  /** The timer only helps a process that does not ask for a long time; what counts is the clock when it asks. */
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

  /** In the background: the lease in hand is still good. */
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
      if (this.#lease !== lease) return // another one was asked for meanwhile
      if (renewal === 'gone') this.#replaceBy(undefined)
      if (renewal === 'gone' || renewal === 'spent') await this.#issue()
      else this.#lease = renewal
    } catch {
      // It is good until it ends: tried again in between.
      this.#renewNotBefore = Date.now() + pauseMs(this.#endOf(lease)) + ((this.#endOf(lease) - Date.now()) / 4) * Math.random()
    }
  }

  #isRenewable({ token, renewable }: Lease): boolean {
    return renewable && this.#options.statusOf(token)?.isHeld === true
  }
}

/** Nothing is looked at or tried again sooner: after a second, or a quarter of what is left until then. */
function pauseMs(end: number): number {
  return Math.max(100, Math.min(1_000, (end - Date.now()) / 4))
}

function tooLate(): SecretsError {
  return new SecretsError('UNAVAILABLE', 'the lease had ended when its answer came', { remedy: 'try again' })
}

function closed(): SecretsError {
  return new SecretsError('ABORTED', 'the Vault provider is closed', { remedy: 'close it after the last use' })
}
