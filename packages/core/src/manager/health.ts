import { untilAborted } from '../guard/deadline.ts'
import { callMembers, type CallOptions, knownCallOptions } from '../options/call-options.ts'
import type { SecretsErrorCode } from '../contract/error-codes.ts'
import type { ChainEntry } from '../chain/routing.ts'
import type { Observer } from '../observe/operation.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** `unchecked`: the provider has no `checkHealth`. */
export type ProviderHealth =
  | { readonly status: 'ok' | 'unchecked'; readonly durationMs: number }
  | { readonly status: 'failed'; readonly durationMs: number; readonly code: SecretsErrorCode; readonly message: string }

/** The health of each provider, for readiness probes. */
export interface HealthReport {
  /** No provider has failed. */
  readonly ok: boolean
  /** Epoch milliseconds. */
  readonly checkedAt: number
  readonly providers: Readonly<Record<string, ProviderHealth>>
}

const rememberedMs = 10_000

/** Remembers the report for 10 s to spare the stores. */
export class HealthCheck {
  readonly #chainEntries: readonly ChainEntry[]
  readonly #observer: Observer
  readonly #closing: AbortSignal
  #report: HealthReport | undefined
  #checking: Promise<HealthReport> | undefined

  constructor(chainEntries: readonly ChainEntry[], observer: Observer, closing: AbortSignal) {
    this.#chainEntries = chainEntries
    this.#observer = observer
    this.#closing = closing
  }

  async check(call: CallOptions = {}): Promise<HealthReport> {
    const known = knownCallOptions(call, callMembers)
    return this.#observer.observe({ operation: 'health', name: '*', effect: false }, known, () =>
      untilAborted(this.#current(), known.signal),
    )
  }

  async #current(): Promise<HealthReport> {
    const age = Date.now() - (this.#report?.checkedAt ?? 0)
    if (this.#report !== undefined && age >= 0 && age < rememberedMs) return this.#report
    this.#checking ??= this.#checkAll().finally(() => (this.#checking = undefined))
    return this.#checking
  }

  async #checkAll(): Promise<HealthReport> {
    const entries = await Promise.all(
      this.#chainEntries.map(async (chainEntry) => [chainEntry.provider.name, await this.#checkOne(chainEntry)] as const),
    )
    const ok = entries.every(([, { status }]) => status !== 'failed')
    // Shared by all callers of the next 10 s.
    this.#report = Object.freeze({ ok, checkedAt: Date.now(), providers: Object.freeze(Object.fromEntries(entries)) })
    return this.#report
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
