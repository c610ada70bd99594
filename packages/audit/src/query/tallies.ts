import type { AuditRecord } from '@finchat/secrets-core'
import type { RotationSummary, SecretSummary, UnrotatedSummary } from './audit-summary.ts'
import type { RotationTally } from './rotation-tally.ts'

/** Bounds memory: names may be chosen by an attacker. */
const mostRows = 10_000
/** Of a list in which a rare entry must not get lost. */
export const mostPairs = 100_000

export class Rows<Row> {
  readonly #rows = new Map<string, Row>()
  readonly #make: () => Row

  constructor(make: () => Row) {
    this.#make = make
  }

  known(...about: readonly (string | undefined)[]): Row | undefined {
    return this.#rows.get(JSON.stringify(about))
  }

  /** Made at first use; `undefined` beyond the limit. */
  at(...about: readonly (string | undefined)[]): Row | undefined {
    return this.within(mostRows, ...about)
  }

  within(most: number, ...about: readonly (string | undefined)[]): Row | undefined {
    const key = JSON.stringify(about)
    const known = this.#rows.get(key)
    if (known !== undefined || this.#rows.size >= most) return known
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
  #usedAt = -1
  #deletedAt = -1
  readonly #versions = new Map<string | undefined, number>()
  readonly #actors = new Set<string | undefined>()

  /**
   * A secret that was never read, or was deleted, need not be rotated. By time: segments and folders
   * are read one after the other.
   */
  get isInUse(): boolean {
    return this.#usedAt > this.#deletedAt
  }

  get lastChanged(): number | undefined {
    return this.#lastChanged
  }

  /** `isPending`: the read was of a staged version, which is not current. */
  add(record: AuditRecord, isRead: boolean, isPending: boolean): void {
    const { outcome, time, actor } = record
    if (outcome === 'error') this.#failed++
    else if (isPending) this.#usedAt = Math.max(this.#usedAt, time)
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
    if (operation === 'delete') this.#deletedAt = Math.max(this.#deletedAt, time)
    else this.#usedAt = Math.max(this.#usedAt, time)
    const highest = this.#versions.get(provider)
    const isNew = version !== undefined && highest !== undefined && version > highest
    if (operation === 'store' || operation === 'rotate' || operation === 'promote' || isNew)
      this.#lastChanged = Math.max(this.#lastChanged ?? time, time)
    if (version === undefined || (highest === undefined && this.#versions.size >= mostProviders)) return
    this.#versions.set(provider, Math.max(version, highest ?? version))
  }
}

/** What ages are measured by. */
export interface AgeOptions {
  readonly forDays: number
  readonly policies: Readonly<Record<string, RotationAge>>
  /** The time of the first record. */
  readonly from: number
  readonly now: number
}

/** How old a version may become. */
export interface RotationAge {
  /** Milliseconds. */
  readonly everyMs: number
}

/** The secret, if it did not change for so many days. */
export function unrotated(name: string, { isInUse, lastChanged }: SecretTally, { forDays, from, now }: AgeOptions): UnrotatedSummary[] {
  const days = Math.floor((now - (lastChanged ?? from)) / dayMs)
  return isInUse && days >= forDays ? [{ name, lastChanged, days }] : []
}

/** The rotations of a secret that was rotated here, or has a policy. */
export function rotationOf(
  name: string,
  secret: SecretTally | undefined,
  rotated: RotationTally | undefined,
  { policies, from, now }: AgeOptions,
): RotationSummary {
  const lastChanged = secret?.lastChanged
  const everyMs = secret?.isInUse && Object.hasOwn(policies, name) ? policies[name]?.everyMs : undefined
  const dueBy = lastChanged === undefined || everyMs === undefined ? undefined : lastChanged + everyMs
  const isPast = everyMs !== undefined && now >= (lastChanged ?? from) + everyMs
  return {
    name,
    rotations: rotated?.rotations ?? 0,
    ...rotated?.last(),
    lastChanged,
    days: lastChanged === undefined ? undefined : Math.max(0, Math.floor((now - lastChanged) / dayMs)),
    dueBy,
    isOverdue: isPast || (dueBy === undefined ? undefined : false),
  }
}
