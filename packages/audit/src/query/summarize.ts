import type { AuditRecord } from '@finchat/secrets-core'
import { isWholeNumber, knownOptions, type MembersOf, SecretsError } from '@finchat/secrets-core/provider'
import { changesSecret } from '../record/activity.ts'
import { isoTime } from '../record/record-text.ts'
import { type AuditRecords, assertRecords } from './query.ts'
import type { AuditSummary, RotationSummary } from './audit-summary.ts'
import { isRotationStep, RotationTally } from './rotation-tally.ts'
import { UnreadableTally } from './unreadable-names.ts'
import { EventTallies } from './event-tallies.ts'
import { type AgeOptions, mostPairs, type RotationAge, rotationOf, Rows, SecretTally, unrotated } from './tallies.ts'

/** What `summarize` takes beside the records. */
export interface SummarizeOptions {
  /** Lists secrets that did not change for so many days. Default: 90. */
  readonly notRotatedForDays?: number | undefined
  /** The end of those days, epoch milliseconds. Default: the last record's time. */
  readonly now?: number | undefined
  /**
   * How old the versions of these secrets may become, such as the policies of
   * `@finchat/secrets-rotation`. By the names that the trail has.
   */
  readonly policies?: Readonly<Record<string, RotationAge>> | undefined
}

const members: MembersOf<SummarizeOptions> = { notRotatedForDays: 'number', now: 'number', policies: 'any' }

/**
 * Counts who read what, how often and from which provider, what failed, and which secrets were not
 * rotated. Also who changed what, logins, denials, gaps and hosts. Reads the records once, in bounded
 * memory: most lists hold at most 10,000 entries. Throws `INVALID_ARGUMENT` for invalid options, or if `records` is not iterable.
 *
 * @example
 * import { readAuditRecords, summarize } from '@finchat/secrets-audit/report'
 * import { mkdir } from 'node:fs/promises'
 *
 * await mkdir('quiet-trail')
 * const { reads, failed, notRotated } = await summarize(readAuditRecords('quiet-trail'), { notRotatedForDays: 30 })
 * console.log(reads, failed, notRotated.length) // 0 0 0
 */
export async function summarize(records: AuditRecords, options: SummarizeOptions = {}): Promise<AuditSummary> {
  const { notRotatedForDays = 90, now, policies = {} } = knownOptions(options, members, 'INVALID_ARGUMENT')
  if (!(notRotatedForDays > 0))
    throw new SecretsError('INVALID_ARGUMENT', '`notRotatedForDays` is not a number of days', { remedy: 'pass 1 or more' })
  assertPolicies(policies)
  assertRecords(records)
  const tally = new Tally()
  for await (const record of records) tally.add(record)
  return tally.summary({ forDays: notRotatedForDays, policies }, now)
}

function assertPolicies(policies: Readonly<Record<string, RotationAge>>): void {
  const isPolicy = (policy: RotationAge): boolean => Object(policy) === policy && isWholeNumber(policy.everyMs, 1, Infinity)
  if (Object(policies) === policies && Object.values(policies).every(isPolicy)) return
  throw new SecretsError('INVALID_ARGUMENT', '`policies` is no object of policies', { remedy: 'pass { name: { everyMs } }' })
}

type CountsAndAges =
  | 'from'
  | 'to'
  | 'records'
  | 'reads'
  | 'changes'
  | 'failed'
  | 'missed'
  | 'secrets'
  | 'rotations'
  | 'notRotatedForDays'
  | 'notRotated'
  | 'unreadable'
  | 'unlisted'

class Tally {
  #from: number | undefined
  #to: number | undefined
  #records = 0
  #reads = 0
  #changes = 0
  #failed = 0
  #missed = 0
  #unlisted = 0
  readonly #days = new Rows(() => ({ ok: 0, failed: 0 }))
  readonly #accesses = new Rows(() => ({ reads: 0, failed: 0, providers: new Set<string>(), first: Infinity, last: 0 }))
  readonly #readers = new Rows(() => ({ reads: 0, failed: 0, first: Infinity, last: 0 }))
  readonly #events = new EventTallies()
  readonly #secrets = new Rows(() => new SecretTally())
  readonly #rotations = new Rows(() => new RotationTally())
  readonly #providers = new Rows(() => ({ ok: 0, failed: 0, cached: 0, degraded: 0, stale: 0 }))
  readonly #unreadable = new UnreadableTally()
  readonly #failures = new Rows(() => ({ count: 0, last: 0 }))

  add(record: AuditRecord): void {
    const { time, phase, outcome, missed = 0 } = record
    this.#records++
    this.#missed += missed
    this.#from = Math.min(this.#from ?? time, time)
    this.#to = Math.max(this.#to ?? time, time)
    const isOutcome = phase === 'outcome' && outcome !== undefined
    const isListed = [this.#events.addRecord(record), this.#unreadable.add(record), !isOutcome || this.#addOutcome(record)]
    if (isListed.includes(false)) this.#unlisted++
  }

  /** Returns whether there was room in every list. */
  #addOutcome(record: AuditRecord): boolean {
    if (record.outcome === 'error') this.#failed++
    const isListed = [
      this.#countDay(record),
      this.#countRotation(record),
      this.#countUse(record),
      this.#countProvider(record),
      this.#countFailure(record),
      this.#events.addOutcome(record),
    ]
    return !isListed.includes(false)
  }

  summary(by: Pick<AgeOptions, 'forDays' | 'policies'>, now: number = this.#to ?? 0): AuditSummary {
    const [from, to] = [this.#from, this.#to]
    const ages: AgeOptions = { ...by, from: from ?? 0, now }
    const tallies = this.#secrets.list().map(([[name = ''], tally]) => [name, tally] as const)
    const secrets = tallies.map(([name, tally]) => ({ name, ...tally.summary() }))
    const notRotated = tallies.flatMap(([name, tally]) => unrotated(name, tally, ages))
    return {
      from,
      to,
      records: this.#records,
      reads: this.#reads,
      changes: this.#changes,
      failed: this.#failed,
      missed: this.#missed,
      ...this.#lists(),
      secrets: secrets.toSorted((a, b) => b.reads - a.reads || order(a.name, b.name)),
      rotations: this.#rotationsOf(ages),
      notRotatedForDays: by.forDays,
      notRotated: notRotated.toSorted((a, b) => b.days - a.days || order(a.name, b.name)),
      unreadable: this.#unreadable.list(),
      unlisted: this.#unlisted,
    }
  }

  #rotationsOf(ages: AgeOptions): readonly RotationSummary[] {
    const names = new Set([...this.#rotations.list().map(([[name = '']]) => name), ...Object.keys(ages.policies)])
    const rotations = Array.from(names, (name) => rotationOf(name, this.#secrets.known(name), this.#rotations.known(name), ages))
    const rank = ({ isOverdue = false }: RotationSummary): number => (isOverdue ? 0 : 1)
    return rotations.toSorted((a, b) => rank(a) - rank(b) || order(a.name, b.name))
  }

  #lists(): Omit<AuditSummary, CountsAndAges> {
    const accesses = this.#accesses
      .list()
      .map(([[actor, name = ''], row]) => ({ actor, name, ...row, providers: [...row.providers].toSorted() }))
    const secretsOf = Map.groupBy(accesses, ({ actor }) => actor)
    const readers = this.#readers.list().map(([[actor], row]) => ({ actor, secrets: secretsOf.get(actor)?.length ?? 0, ...row }))
    const failures = this.#failures.list().map(([[code = '', operation = '', name = ''], row]) => ({ code, operation, name, ...row }))
    const providers = this.#providers.list().map(([[provider = ''], row]) => ({ provider, ...row }))
    const days = this.#days.list().map(([[day = ''], row]) => ({ day, ...row }))
    return {
      days: days.toSorted((a, b) => order(a.day, b.day)),
      accesses: accesses.toSorted((a, b) => b.reads - a.reads || b.last - a.last),
      readers: readers.toSorted((a, b) => b.reads - a.reads || b.last - a.last),
      failures: failures.toSorted((a, b) => b.count - a.count || b.last - a.last),
      providers: providers.toSorted((a, b) => b.ok + b.failed - a.ok - a.failed),
      ...this.#events.lists(),
    }
  }

  #countDay({ time, outcome }: AuditRecord): boolean {
    const day = this.#days.at(dayOf(time))
    if (day === undefined) return false
    if (outcome === 'ok') day.ok++
    else day.failed++
    return true
  }

  #countUse(record: AuditRecord): boolean {
    const { operation, name, provider } = record
    const isRead = operation === 'get' || operation === 'verify'
    const isChange = changesSecret(operation)
    if (isChange) this.#changes++
    if (isRead) this.#reads++
    if (!isRead && !isChange) return true
    const secret = this.#secrets.at(name)
    secret?.add(record, isRead, isRead && this.#rotations.known(name)?.isPending(provider, record.version) === true)
    const isListed = !isRead || this.#countRead(record)
    return isListed && secret !== undefined
  }

  /** Names that nothing answers can be invented, so they leave room for the others. */
  #countRead({ name, actor, time, outcome, provider }: AuditRecord): boolean {
    const isFailed = outcome === 'error'
    const access = isFailed ? this.#accesses.at(actor, name) : this.#accesses.within(mostPairs, actor, name)
    const reader = this.#readers.at(actor)
    for (const row of [access, reader]) {
      if (row === undefined) continue
      row.reads++
      if (isFailed) row.failed++
      row.first = Math.min(row.first, time)
      row.last = Math.max(row.last, time)
    }
    if (!isFailed && provider !== undefined) access?.providers.add(provider)
    return access !== undefined && reader !== undefined
  }

  #countRotation(record: AuditRecord): boolean {
    if (!isRotationStep(record)) return true
    const rotation = this.#rotations.at(record.name)
    rotation?.add(record)
    return rotation !== undefined
  }

  #countProvider({ provider, outcome, from, degraded, stale }: AuditRecord): boolean {
    if (provider === undefined) return true
    const row = this.#providers.at(provider)
    if (row === undefined) return false
    if (outcome === 'error') row.failed++
    else {
      row.ok++
      if (from === 'memory' || from === 'shared') row.cached++
      if (degraded) row.degraded++
      if (stale) row.stale++
    }
    return true
  }

  #countFailure({ outcome, code = 'INTERNAL', operation, name, time }: AuditRecord): boolean {
    if (outcome !== 'error') return true
    const row = this.#failures.at(code, operation, name)
    if (row === undefined) return false
    row.count++
    row.last = Math.max(row.last, time)
    return true
  }
}

function dayOf(time: number): string {
  return isoTime(time)?.slice(0, -14) ?? ''
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
