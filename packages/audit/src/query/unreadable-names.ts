import type { AuditRecord } from '@finchat/secrets-core'
import { pseudonymIn } from '../record/sealed-name.ts'
import type { UnreadableName } from './audit-summary.ts'
import { Rows } from './tallies.ts'

type State = UnreadableName['state']

const shownForm = /^(sealed|erased|lost) name ([0-9a-f]{32})$/

/** What a record shows in the place of a name that no key opened. */
export function placeholderOf(state: State, pseudonym: string): string {
  return `${state} name ${pseudonym}`
}

/** Counts the names in records that are shown as pseudonyms, in bounded memory. */
export class UnreadableTally {
  readonly #rows = new Rows(() => ({ records: 0, first: Infinity, last: 0 }))

  /** Returns whether there was room. */
  add({ actor, name, time }: Pick<AuditRecord, 'actor' | 'name' | 'time'>): boolean {
    const isListed = [actor, name].map((text) => text === undefined || this.#addText(text, time))
    return !isListed.includes(false)
  }

  /** The earliest first. */
  list(): readonly UnreadableName[] {
    const names = this.#rows.list().map(([[state, pseudonym = ''], row]) => ({ pseudonym, state: state as State, ...row }))
    return names.toSorted((one, other) => one.first - other.first)
  }

  #addText(text: string, time: number): boolean {
    const sealed = pseudonymIn(text)
    const [, state = 'sealed', pseudonym = sealed] = shownForm.exec(text) ?? []
    if (pseudonym === undefined) return true
    const row = this.#rows.at(state, pseudonym)
    if (row === undefined) return false
    row.records++
    row.first = Math.min(row.first, time)
    row.last = Math.max(row.last, time)
    return true
  }
}

export function unreadableIn(records: readonly AuditRecord[]): readonly UnreadableName[] {
  const tally = new UnreadableTally()
  for (const record of records) tally.add(record)
  return tally.list()
}
