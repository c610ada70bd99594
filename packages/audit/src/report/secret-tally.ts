import type { AuditRecord } from '@finchat/secrets-core'
import type { SecretSummary, UnrotatedSummary } from './audit-summary.ts'

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
