import type { AuditRecord } from '@finchat/secrets-core'
import type { SecretSummary, UnrotatedSummary } from './audit-summary.ts'

/** More rows than this are not kept: who names things at will must not fill the memory. */
const mostRows = 10_000

/** Rows by what they are about. */
export class Rows<Row> {
  readonly #rows = new Map<string, Row>()
  readonly #make: () => Row

  constructor(make: () => Row) {
    this.#make = make
  }

  /** The row, made when it is asked for first; `undefined` when it is one too many. */
  at(...about: readonly (string | undefined)[]): Row | undefined {
    const key = JSON.stringify(about)
    const known = this.#rows.get(key)
    if (known !== undefined || this.#rows.size >= mostRows) return known
    const row = this.#make()
    this.#rows.set(key, row)
    return row
  }

  /** Each with what it is about. */
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

/** As many are told apart for one secret. */
const [mostActors, mostProviders] = [1_000, 100]

/** What is known of one secret while the records are read. */
export class SecretTally {
  #reads = 0
  #failed = 0
  #lastRead: number | undefined
  #lastChanged: number | undefined
  #isInUse = false
  readonly #versions = new Map<string | undefined, number>()
  readonly #actors = new Set<string | undefined>()

  /** A secret that nobody was ever given, or that was deleted since, is none that could be rotated. */
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

  /** A number that is higher than any read before: somebody rotated it, here or elsewhere. */
  #succeeded({ operation, time, provider, version }: AuditRecord): void {
    this.#isInUse = operation !== 'delete'
    const highest = this.#versions.get(provider)
    const isNew = version !== undefined && highest !== undefined && version > highest
    if (operation === 'store' || operation === 'rotate' || isNew) this.#lastChanged = Math.max(this.#lastChanged ?? time, time)
    if (version === undefined || (highest === undefined && this.#versions.size >= mostProviders)) return
    this.#versions.set(provider, Math.max(version, highest ?? version))
  }
}

/** The secret, if it did not change for so many days; nothing otherwise. */
export function unrotated(
  name: string,
  { isInUse, lastChanged }: SecretTally,
  { forDays, from, now }: { readonly forDays: number; readonly from: number; readonly now: number },
): UnrotatedSummary[] {
  const days = Math.floor((now - (lastChanged ?? from)) / dayMs)
  return isInUse && days >= forDays ? [{ name, lastChanged, days }] : []
}
