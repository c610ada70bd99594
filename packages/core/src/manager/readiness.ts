import { Lru } from '../cache/keys/lru.ts'
import type { Entry } from '../cache/entries.ts'
import type { SecretsErrorCode } from '../contract/error-codes.ts'
import type { Location, Route } from '../chain/routing.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { pause, promised } from '../guard/deadline.ts'
import type { ManagerParts } from './parts.ts'

/** Whether one secret can be served now. Never its value. */
export type SecretReadiness =
  | {
      readonly status: 'ok'
      /** Whose value it is. */
      readonly provider: string
      /** The store's last answer, served because it cannot be asked. */
      readonly stale: boolean
      /** A later provider's answer, since an earlier one could not be asked. */
      readonly degraded: boolean
      /**
       * Until when this process can serve it if no store answers from now on, in whole epoch
       * milliseconds. Absent if memory does not hold it.
       */
      readonly servesUntil?: number | undefined
    }
  | { readonly status: 'failed'; readonly code: SecretsErrorCode; readonly message: string }

/** Whether all of some secrets can be served now, and how many of them are stale or degraded. */
export interface Readiness {
  /** No secret has failed. Stale and degraded ones are served. */
  readonly ok: boolean
  /** Epoch milliseconds. */
  readonly checkedAt: number
  /** How many are served as stale. */
  readonly stale: number
  /** How many are served by a later provider, since an earlier one could not be asked. */
  readonly degraded: number
  /** How many cannot be served. */
  readonly failed: number
  /** The earliest of the secrets. Absent if one of them has none, or none is served. */
  readonly servesUntil?: number | undefined
  /** By name. */
  readonly secrets: Readonly<Record<string, SecretReadiness>>
}

/** How long an outcome stands, so that a probe each second is no call to the store each second. */
const rememberedMs = 5_000
/** The outcomes of this many secrets. */
const mostRemembered = 10_000
/** No secret has this name: the outcome of the audit trail. */
const trail = '*'

interface Outcome {
  readonly at: number
  readonly secret: SecretReadiness
}

/** Looks into memory first, which counts as no use, and reads what memory does not decide. */
export class ReadinessCheck {
  readonly #parts: ManagerParts
  readonly #outcomes = new Lru<Outcome>(mostRemembered)
  readonly #running = new Map<string, Promise<void>>()

  constructor(parts: ManagerParts) {
    this.#parts = parts
  }

  async check(routes: readonly Route[], timeoutMs: number): Promise<Readiness> {
    const end = new AbortController()
    const late = pause(timeoutMs, end.signal)
    const trailing = this.#asked(trail, late, () => this.#recorded())
    const checked = await Promise.all(routes.map(async (route) => [route.name, await this.#secret(route, late)] as const))
    const trailed = await trailing
    end.abort()
    const refusal = trailed.status === 'failed' ? trailed : this.#refusal()
    return reportOf(checked.map(([name, secret]) => [name, secret.status === 'ok' && refusal ? refusal : secret]))
  }

  #refusal(): SecretReadiness | undefined {
    return this.#parts.observer.isOpen ? undefined : failed(new SecretsError('ABORTED', 'the secrets manager is closed'))
  }

  async #secret(route: Route, late: Promise<void>): Promise<SecretReadiness> {
    const held = heldIn(route)
    if (held === undefined) return this.#asked(route.name, late, () => this.#read(route))
    this.#outcomes.set(route.name, { at: Date.now(), secret: held })
    return held
  }

  /** Asks unless an outcome stands. What comes late answers the next check. */
  async #asked(key: string, late: Promise<void>, ask: () => Promise<SecretReadiness>): Promise<SecretReadiness> {
    const before = this.#outcomes.get(key)
    if (before !== undefined && stands(before)) return before.secret
    const running = this.#running.get(key) ?? this.#begin(key, ask)
    const isLate = await Promise.race([running.then(() => false), late.then(() => true)])
    const outcome = this.#outcomes.get(key)
    return isLate || outcome === undefined ? meanwhile(outcome) : outcome.secret
  }

  #begin(key: string, ask: () => Promise<SecretReadiness>): Promise<void> {
    const running = promised(ask)
      .catch(failed)
      .then((secret) => {
        this.#outcomes.set(key, { at: Date.now(), secret })
        this.#running.delete(key)
      })
    this.#running.set(key, running)
    return running
  }

  /** No value is handed out while the trail does not acknowledge. */
  async #recorded(): Promise<SecretReadiness> {
    await this.#parts.observer.observe({ operation: 'health', name: trail, effect: false }, {}, async () => {})
    return { status: 'ok', provider: trail, stale: false, degraded: false }
  }

  /** As the application reads it, audited and traced. */
  #read(route: Route): Promise<SecretReadiness> {
    const { observer, reader } = this.#parts
    return observer.observe({ operation: 'get', name: route.name, effect: false }, {}, (metadata) =>
      reader.readObserved(reader.traversal(route, undefined), {}, metadata, ({ held, location, stale, degraded }) => {
        if (location.fields.length > 0) held.part(location.fields)
        return { status: 'ok', provider: held.metadata.provider, stale, degraded, servesUntil: endAt(location) }
      }),
    )
  }
}

/** The first location with a fresh value, behind known absences. `undefined`: a read would ask. */
function heldIn({ locations }: Route): SecretReadiness | undefined {
  for (const location of locations) {
    const known = location.chainEntry.store.look(location.path)
    if (known === undefined) return undefined
    if (isEntry(known)) return freshIn(location, known)
  }
  return undefined
}

function freshIn({ fields }: Location, { held, lifetime }: Entry): SecretReadiness | undefined {
  if (Date.now() >= lifetime.freshUntil) return undefined
  try {
    if (fields.length > 0) held.part(fields)
    return { status: 'ok', provider: held.metadata.provider, stale: false, degraded: false, servesUntil: Math.floor(lifetime.staleUntil) }
  } catch (error) {
    return failed(error)
  }
}

function endAt({ chainEntry, path }: Location): number | undefined {
  const known = chainEntry.store.look(path)
  return known !== undefined && isEntry(known) ? Math.floor(known.lifetime.staleUntil) : undefined
}

function isEntry(known: object): known is Entry {
  return 'held' in known
}

/** A clock that was set back ends it too. */
function stands({ at, secret }: Outcome): boolean {
  const age = Date.now() - at
  return age >= 0 && age < rememberedMs && !isOver(secret)
}

function isOver(secret: SecretReadiness): boolean {
  return secret.status === 'ok' && Date.now() >= (secret.servesUntil ?? Infinity)
}

/** While a store does not answer: memory serves its last value, once the read has waited for it. */
function meanwhile(outcome: Outcome | undefined): SecretReadiness {
  const known = outcome?.secret
  const isServed = known?.status === 'ok' && known.servesUntil !== undefined && !isOver(known)
  if (isServed) return { ...known, stale: known.stale || !known.degraded }
  return failed(new SecretsError('DEADLINE_EXCEEDED', 'no answer in the time of the check'))
}

function failed(error: unknown): SecretReadiness {
  const { code, message } = SecretsError.isInstance(error) ? error : new SecretsError('INTERNAL', 'unexpected failure')
  return { status: 'failed', code, message }
}

function reportOf(checked: readonly (readonly [name: string, secret: SecretReadiness])[]): Readiness {
  const served = checked.flatMap(([, secret]) => (secret.status === 'ok' ? secret : []))
  const ends = served.flatMap(({ servesUntil }) => servesUntil ?? [])
  const failures = checked.length - served.length
  return {
    ok: failures === 0,
    checkedAt: Date.now(),
    stale: served.filter(({ stale }) => stale).length,
    degraded: served.filter(({ degraded }) => degraded).length,
    failed: failures,
    ...(ends.length === checked.length && { servesUntil: Math.min(...ends) }),
    secrets: Object.fromEntries(checked),
  }
}
