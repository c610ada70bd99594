import type { AuditRecord, AuditRecords } from '@finchat/secrets-audit/report'
import { nearest } from '@finchat/secrets-core/provider'
import { counted } from '../terminal/counted.ts'
import { visible } from '../terminal/visible.ts'

const filters = ['name', 'actor', 'provider', 'operation'] as const
type Filters = Readonly<Partial<Record<(typeof filters)[number], string>>>

/** Of more values than that, a misspelt one is not told from one that nothing matches. */
const mostValues = 10_000

/** What the records of a trail have. A filter with a slip would else seem to prove that nothing happened. */
export class SeenValues {
  #records = 0
  #matched = 0
  readonly #values = new Map(filters.map((filter) => [filter, new Set<string>()]))

  async *passing(records: AuditRecords): AsyncGenerator<AuditRecord> {
    for await (const record of records) {
      this.#records++
      for (const [filter, seen] of this.#values) {
        const value = record[filter]
        if (value !== undefined && seen.size < mostValues) seen.add(value)
      }
      yield record
    }
  }

  async *matching(records: AuditRecords): AsyncGenerator<AuditRecord> {
    for await (const record of records) {
      this.#matched++
      yield record
    }
  }

  /** How many records matched, and which filter has a value that no record has. */
  sentences(given: Filters): string[] {
    const unknown = filters.flatMap((filter) => this.#unknown(filter, given[filter]))
    return [`${this.#matched} of ${counted(this.#records, 'record')} ${this.#matched === 1 ? 'matches' : 'match'}`, ...unknown]
  }

  #unknown(filter: (typeof filters)[number], value: string | undefined): string[] {
    const seen = this.#values.get(filter)
    if (value === undefined || seen === undefined || value.endsWith('*') || seen.has(value) || seen.size >= mostValues) return []
    const meant = nearest(value, [...seen])
    const known = filter === 'operation' ? `; there are ${[...seen].toSorted().join(', ')}` : ''
    return [`no record has the ${filter} ${visible(value)}${meant === undefined ? known : `: did you mean ${visible(meant)}?`}`]
  }
}
