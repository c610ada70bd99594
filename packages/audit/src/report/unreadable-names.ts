import type { UnreadableName } from '../query/audit-summary.ts'
import { placeholderOf } from '../query/unreadable-names.ts'
import { grouped } from './display-text.ts'
import { mostShown } from './index-sentences.ts'
import type { ReportedVerification } from './reported-verification.ts'
import { number, type ReportTable, text, time } from './tables.ts'

interface Verified {
  readonly verification?: ReportedVerification | undefined
}

type Erasure = NonNullable<ReportedVerification['erasures']>[number]

/** By pseudonym. `undefined`: a folder was not verified, so that its erasures are not known. */
function erasuresOf(trails: readonly Verified[]): ReadonlyMap<string, Erasure> | undefined {
  if (trails.some(({ verification }) => verification === undefined)) return undefined
  const all = trails.flatMap(({ verification }) => verification?.erasures ?? [])
  return new Map(all.flatMap((erasure) => erasure.pseudonyms.map((pseudonym) => [pseudonym, erasure] as const)))
}

/** Names whose keys are gone, and of whose erasure no index tells. */
export function unexplainedOf(names: readonly UnreadableName[], trails: readonly Verified[]): readonly UnreadableName[] {
  const erasures = erasuresOf(trails)
  return erasures === undefined ? [] : names.filter(({ pseudonym, state }) => state !== 'sealed' && !erasures.has(pseudonym))
}

/** Their pseudonyms. */
export function unexplainedIn({
  names,
  trails,
}: {
  readonly names: readonly UnreadableName[]
  readonly trails: readonly Verified[]
}): readonly string[] {
  return unexplainedOf(names, trails).map(({ pseudonym }) => pseudonym)
}

export function unexplainedSentences(names: readonly UnreadableName[]): string[] {
  const [erased, lost] = (['erased', 'lost'] as const).map((state) => names.filter((name) => name.state === state))
  return [...(erased ?? []).slice(0, 1).map(() => ofErased(erased ?? [])), ...(lost ?? []).slice(0, 1).map(() => ofLost(lost ?? []))]
}

function ofErased(names: readonly UnreadableName[]): string {
  const [what, their] =
    names.length === 1 ? ['1 erased name is', 'Its key was'] : [`${grouped(names.length)} erased names are`, 'Their keys were']
  return `${what} explained by no erasure of the trail: ${shownNames(names)}. ${their} destroyed in the file of name keys, and the index does not say when, nor why.`
}

function ofLost(names: readonly UnreadableName[]): string {
  const [what, their] = names.length === 1 ? ['1 name has', 'Its key was'] : [`${grouped(names.length)} names have`, 'Their keys were']
  return `${what} no key, though a file of name keys of each folder was given: ${shownNames(names)}. No erasure of the trail explains that. ${their} lost or destroyed, or the file is an older copy, or one of several.`
}

function shownNames(names: readonly UnreadableName[]): string {
  const more = names.length > mostShown ? ` and ${grouped(names.length - mostShown)} more` : ''
  return `${names
    .slice(0, mostShown)
    .map(({ state, pseudonym }) => `"${placeholderOf(state, pseudonym)}"`)
    .join(', ')}${more}`
}

/** How to show names that are sealed. */
export function sealedSentences(names: readonly UnreadableName[]): string[] {
  const { length } = names.filter(({ state }) => state === 'sealed')
  if (length === 0) return []
  const what = length === 1 ? '1 name is sealed, and shown' : `${grouped(length)} names are sealed, and shown`
  return [`${what} as a pseudonym. To show names, give the file of name keys of each host: --names FILE, or \`openAuditNames\`.`]
}

/** No table if every name is readable. */
export function unreadableTables(names: readonly UnreadableName[], trails: readonly Verified[]): readonly ReportTable[] {
  if (names.length === 0) return []
  const erasures = erasuresOf(trails)
  return [
    {
      title: 'Names that are not readable',
      note: 'Each is shown as a pseudonym. A name whose key is gone should be explained by an erasure of the trail.',
      order: 'the earliest',
      columns: [text('Name'), number('Records'), time('First'), time('Last'), time('Erased'), text('Why')],
      rows: names.map(({ pseudonym, state, records, first, last }) => {
        const erasure = erasures?.get(pseudonym)
        const why = erasure?.reason ?? whyNot(state, erasures !== undefined)
        return [placeholderOf(state, pseudonym), records, first, last, erasure?.time, why]
      }),
    },
  ]
}

function whyNot(state: UnreadableName['state'], areErasuresKnown: boolean): string {
  if (state === 'sealed') return 'its key was not given'
  return areErasuresKnown ? 'NOT EXPLAINED by an erasure of the trail' : 'not known: a folder was not verified'
}
