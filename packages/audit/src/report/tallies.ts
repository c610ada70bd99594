import type { AuditRecord } from '@finchat/secrets-core'
import type { SecretSummary, UnrotatedSummary } from './audit-summary.ts'

/** Bounds memory: names may be chosen by an attacker. */
const mostRows = 10_000

export class Rows<Row> {
  readonly #rows = new Map<string, Row>()
  readonly #make: () => Row

  constructor(make: () => Row) {
    this.#make = make
  }

  /** Made at first use; `undefined` beyond the limit. */
  at(...about: readonly (string | undefined)[]): Row | undefined {
    const key = JSON.stringify(about)
    const known = this.#rows.get(key)
    if (known !== undefined || this.#rows.size >= mostRows) return known
    const row = this.#make()
    this.#rows.set(key, row)
    return row
  }

  list(): (readonly [about: readonly (string | undefined)[], row: Row])[] {
    return Array.from(this.#rows, ([key, row]) => [aboutOf(key), row])
  }
}

/** JSON writes `undefined` in a list as null. */
function aboutOf(key: string): (string | undefined)[] {
  const about: (string | null)[] = JSON.parse(key)
  return about.map((part) => part ?? undefined)
}

const dayMs = 86_400_000

/** The limit for one secret. */
const [mostActors, mostProviders] = [1_000, 100]

export class SecretTally {
  #reads = 0
  #failed = 0
  #lastRead: number | undefined
  #lastChanged: number | undefined
  #isInUse = false
  readonly #versions = new Map<string | undefined, number>()
  readonly #actors = new Set<string | undefined>()

  /** A secret that was never read, or was deleted, need not be rotated. */
  get isInUse(): boolean {
    return this.#isInUse
  }

  get lastChanged(): number | undefined {
    return this.#lastChanged
  }

  add(record: AuditRecord, isRead: boolean): void {
    const { outcome, time, actor } = record
    if (outcome === 'error') this.#failed++
    else this.#succeeded(record)
    if (!isRead) return
    this.#reads++
    this.#lastRead = Math.max(this.#lastRead ?? time, time)
    if (this.#actors.size < mostActors) this.#actors.add(actor)
  }

  summary(): Omit<SecretSummary, 'name'> {
    const [reads, failed, lastRead, lastChanged] = [this.#reads, this.#failed, this.#lastRead, this.#lastChanged]
    return { reads, failed, actors: this.#actors.size, lastRead, lastChanged }
  }

  /** A higher version than before: it was rotated, here or elsewhere. */
  #succeeded({ operation, time, provider, version }: AuditRecord): void {
    this.#isInUse = operation !== 'delete'
    const highest = this.#versions.get(provider)
    const isNew = version !== undefined && highest !== undefined && version > highest
    if (operation === 'store' || operation === 'rotate' || isNew) this.#lastChanged = Math.max(this.#lastChanged ?? time, time)
    if (version === undefined || (highest === undefined && this.#versions.size >= mostProviders)) return
    this.#versions.set(provider, Math.max(version, highest ?? version))
  }
}

/** The secret, if it did not change for so many days. */
export function unrotated(
  name: string,
  { isInUse, lastChanged }: SecretTally,
  { forDays, from, now }: { readonly forDays: number; readonly from: number; readonly now: number },
): UnrotatedSummary[] {
  const days = Math.floor((now - (lastChanged ?? from)) / dayMs)
  return isInUse && days >= forDays ? [{ name, lastChanged, days }] : []
}
