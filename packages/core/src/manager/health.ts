import { untilAborted } from '../guard/deadline.ts'
import { callMembers, type CallOptions, knownCallOptions } from '../options/call-options.ts'
import type { SecretsErrorCode } from '../contract/error-codes.ts'
import type { ChainEntry } from '../chain/routing.ts'
import type { AuditTrail, PartHealth, TrailPartHealth } from '../contract/audit.ts'
import { partsOfTrail } from './trail-health.ts'
import type { Observer } from '../observe/operation.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** `unchecked`: the provider has no `checkHealth`. */
export type ProviderHealth =
  | { readonly status: 'ok' | 'unchecked'; readonly durationMs: number }
  | { readonly status: 'failed'; readonly durationMs: number; readonly code: SecretsErrorCode; readonly message: string }

/** How far a secret is from its next rotation. Times are epoch milliseconds. */
export interface RotationHealth {
  /** `unknown`: the store has given no time; see `code`. */
  readonly status: 'ok' | 'due' | 'overdue' | 'unknown'
  /**
   * Since when the current version is current, by the store's time; the earliest possible time
   * where the store has only that.
   */
  readonly currentSince?: number | undefined
  /** When a rotator rotates it. */
  readonly dueAt?: number | undefined
  /** When its current version is as old as its policy allows. */
  readonly overdueAt?: number | undefined
  /** Why the store could not be asked lately: the times are those of its last answer. */
  readonly code?: SecretsErrorCode | undefined
  readonly message?: string | undefined
}

/** The health of each provider. A readiness probe asks `canServe`: a chain survives a failed one. */
export interface HealthReport {
  /**
   * No provider has failed, nor a sink of the audit trail, the place of its checkpoints, or the shared
   * cache. An overdue rotation does not change it: the secret still works.
   */
  readonly ok: boolean
  /** Epoch milliseconds. */
  readonly checkedAt: number
  readonly providers: Readonly<Record<string, ProviderHealth>>
  /**
   * The sinks of the audit trail by name, and places of checkpoints, such as `file checkpoints`, as
   * their last calls showed. Absent without a trail that tells.
   */
  readonly audit?: Readonly<Record<string, TrailPartHealth>> | undefined
  /** The shared cache, as its last call showed. Absent without one. */
  readonly sharedCache?: PartHealth | undefined
  /** By secret; absent unless rotations are reported, as by `@finchat/secrets-rotation`. */
  readonly rotations?: Readonly<Record<string, RotationHealth>> | undefined
}

/** Returns rotations by secret. If it rejects, the report goes on without them. */
export type RotationReport = (signal: AbortSignal) => Promise<Readonly<Record<string, RotationHealth>>>

const rememberedMs = 10_000

/** Remembers the report for 10 s to spare the stores. */
export class HealthCheck {
  readonly #chainEntries: readonly ChainEntry[]
  readonly #observer: Observer
  readonly #closing: AbortSignal
  readonly #trail: AuditTrail | undefined
  readonly #rotationReports = new Set<RotationReport>()
  #report: HealthReport | undefined
  #checking: Promise<HealthReport> | undefined

  constructor(chainEntries: readonly ChainEntry[], observer: Observer, closing: AbortSignal, trail?: AuditTrail) {
    this.#chainEntries = chainEntries
    this.#trail = trail
    this.#observer = observer
    this.#closing = closing
  }

  /** The last report. */
  get last(): HealthReport | undefined {
    return this.#report
  }

  async check(call: CallOptions = {}): Promise<HealthReport> {
    const known = knownCallOptions(call, callMembers)
    return this.#observer.observe({ operation: 'health', name: '*', effect: false }, known, () =>
      untilAborted(
        this.#current().then((report) => this.#withParts(report)),
        known.signal,
      ),
    )
  }

  /** Looked at anew each time: it asks nothing. */
  #withParts(report: HealthReport): HealthReport {
    const [audit, sharedCache] = [partsOfTrail(this.#trail), worstOf(this.#chainEntries.map(({ sharedHealth }) => sharedHealth()))]
    if (audit === undefined && sharedCache === undefined) return report
    const ok = report.ok && [...Object.values(audit ?? {}), sharedCache].every((part) => part?.status !== 'failed')
    return Object.freeze({ ...report, ok, ...(audit && { audit }), ...(sharedCache && { sharedCache }) })
  }

  /** Returns the function that removes them again. */
  addRotations(report: RotationReport): () => void {
    this.#rotationReports.add(report)
    this.#report = undefined
    return () => {
      this.#rotationReports.delete(report)
      this.#report = undefined
    }
  }

  async #current(): Promise<HealthReport> {
    const age = Date.now() - (this.#report?.checkedAt ?? 0)
    if (this.#report !== undefined && age >= 0 && age < rememberedMs) return this.#report
    this.#checking ??= this.#checkAll().finally(() => (this.#checking = undefined))
    return this.#checking
  }

  async #checkAll(): Promise<HealthReport> {
    const rotating = this.#rotations()
    const entries = await Promise.all(
      this.#chainEntries.map(async (chainEntry) => [chainEntry.provider.name, await this.#checkOne(chainEntry)] as const),
    )
    const rotations = await rotating
    const ok = entries.every(([, { status }]) => status !== 'failed')
    const providers = Object.freeze(Object.fromEntries(entries))
    // Shared by all callers of the next 10 s.
    this.#report = Object.freeze({ ok, checkedAt: Date.now(), providers, ...(rotations && { rotations }) })
    return this.#report
  }

  async #rotations(): Promise<HealthReport['rotations']> {
    if (this.#rotationReports.size === 0) return undefined
    const reports = await Promise.allSettled([...this.#rotationReports].map(async (report) => report(this.#closing)))
    const entries = reports.flatMap((report) => (report.status === 'fulfilled' ? Object.entries(report.value) : []))
    return Object.freeze(Object.fromEntries(entries))
  }

  async #checkOne({ provider: { checkHealth } }: ChainEntry): Promise<ProviderHealth> {
    if (checkHealth === undefined) return { status: 'unchecked', durationMs: 0 }
    const startedAt = Date.now()
    const durationMs = (): number => Math.max(0, Date.now() - startedAt)
    try {
      await checkHealth({ signal: this.#closing })
      return { status: 'ok', durationMs: durationMs() }
    } catch (error) {
      const { code, message } = SecretsError.isInstance(error) ? error : new SecretsError('INTERNAL', 'unexpected failure')
      if (code === 'UNSUPPORTED') return { status: 'unchecked', durationMs: durationMs() }
      return { status: 'failed', durationMs: durationMs(), code, message }
    }
  }
}

/** Providers share one cache: a failure that one of them saw concerns all. */
function worstOf(parts: readonly (PartHealth | undefined)[]): PartHealth | undefined {
  const rank = (part: PartHealth | undefined): number => ['failed', 'ok', 'unchecked'].indexOf(part?.status ?? '')
  const [worst] = parts.filter((part) => part !== undefined).toSorted((one, other) => rank(one) - rank(other))
  return worst
}
