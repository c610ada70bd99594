import type { AuditRecord } from '@finchat/secrets-core'
import { activityOf, denialsAndAlterations } from '../record/activity.ts'
import type { AuditSummary, GapSummary } from './audit-summary.ts'
import { Rows } from './tallies.ts'

/** Any other that is not known here, such as one of a newer version, may be a change. */
const withoutChange: ReadonlySet<string> = new Set(['health', 'gap'])
/** Bounds memory. */
const mostGaps = 10_000

const spanned = () => ({ count: 0, failed: 0, first: Infinity, last: 0 })

type EventLists = Pick<AuditSummary, 'writes' | 'logins' | 'denials' | 'gaps' | 'hosts'>

/** What an auditor looks for beside reads: changes, logins, denials, gaps, and who is silent. */
export class EventTallies {
  readonly #writes = new Rows(spanned)
  readonly #logins = new Rows(() => ({ ok: 0, failed: 0, code: undefined as string | undefined, failedAt: 0, last: 0 }))
  readonly #denials = new Rows(spanned)
  readonly #hosts = new Rows(spanned)
  readonly #gaps: GapSummary[] = []

  /** Of any record. Returns whether there was room in its lists. */
  addRecord(record: AuditRecord): boolean {
    const host = this.#hosts.at(record.host, record.service)
    if (host !== undefined) count(host, record)
    return this.#addGap(record) && host !== undefined
  }

  /** Of an outcome. */
  addOutcome(record: AuditRecord): boolean {
    const { operation, actor, name } = record
    const [activity, isLogin] = [activityOf(operation), loginOperations.has(operation)]
    if (isLogin) return this.#addLogin(record)
    const isWrite = activity !== 'read' && !withoutChange.has(operation)
    const isListed = !isWrite || counted(this.#writes.at(actor, operation, name), record)
    return this.#addDenial(record) && isListed
  }

  lists(): EventLists {
    const latestFirst = (one: { readonly last: number }, other: { readonly last: number }): number => other.last - one.last
    const writes = this.#writes.list().map(([[actor, operation = '', name = ''], row]) => ({ actor, operation, name, ...row }))
    const denials = this.#denials.list().map(([[actor, operation = '', name = '', code = ''], { count: times, first, last }]) => {
      return { actor, operation, name, code, count: times, first, last }
    })
    const logins = this.#logins.list().map(([[operation = '', provider, method, name = ''], { ok, failed, code, last }]) => {
      return { operation, provider, method, name, ok, failed, code, last }
    })
    const hosts = this.#hosts.list().map(([[host = '', service = ''], { count: records, first, last }]) => {
      return { host, service, records, first, last }
    })
    return {
      writes: writes.toSorted(latestFirst),
      logins: logins.toSorted(latestFirst),
      denials: denials.toSorted(latestFirst),
      gaps: this.#gaps.toSorted((one, other) => one.time - other.time),
      hosts: hosts.toSorted((one, other) => one.last - other.last),
    }
  }

  #addLogin({ operation, provider, method, name, outcome, code, time }: AuditRecord): boolean {
    const row = this.#logins.at(operation, provider, method, name)
    if (row === undefined) return false
    row.last = Math.max(row.last, time)
    if (outcome !== 'error') row.ok++
    else {
      row.failed++
      if (time >= row.failedAt) [row.code, row.failedAt] = [code, time]
    }
    return true
  }

  #addDenial(record: AuditRecord): boolean {
    const { actor, operation, name, outcome, code, matched } = record
    const reason = outcome === 'ok' && matched === 'none' ? 'NO_MATCH' : code
    const isDenial = reason === 'NO_MATCH' || (outcome === 'error' && denialsAndAlterations.includes(reason))
    return !isDenial || counted(this.#denials.at(actor, operation, name, reason), record)
  }

  #addGap({ operation, time, host, service, pid, missed = 0, missedFrom, seq }: AuditRecord): boolean {
    if (operation !== 'gap') return true
    if (this.#gaps.length >= mostGaps) return false
    this.#gaps.push({ time, host, service, pid, missed, from: missedFrom ?? seq, to: seq })
    return true
  }
}

/** Of providers; a secret's own changes are writes. */
const loginOperations: ReadonlySet<string> = new Set(['login', 'renew', 'revoke', 'lease', 'renew-lease', 'revoke-lease'])

type Spanned = ReturnType<typeof spanned>

function counted(row: Spanned | undefined, record: AuditRecord): boolean {
  if (row !== undefined) count(row, record)
  return row !== undefined
}

function count(row: Spanned, { time, outcome }: AuditRecord): void {
  row.count++
  if (outcome === 'error') row.failed++
  row.first = Math.min(row.first, time)
  row.last = Math.max(row.last, time)
}
