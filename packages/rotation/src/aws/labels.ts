import { isJsonObject } from '@finchat/secrets-core/provider'

// AWS versions have ids and labels, and no numbers. The number of a staged version is its label
// `staged-<n>`, its note `note-<n>-…`, and `claim-<n>` decides between promotion and discard, as the AWS
// provider writes them. So numbers and fences grow across both ways to rotate.

export const current = 'AWSCURRENT'
export const previous = 'AWSPREVIOUS'
export const pending = 'AWSPENDING'

/** The labels of each version, by its id. */
export type LabelsById = Readonly<Record<string, readonly string[]>>

export interface Attachment {
  readonly label: string
  readonly revision: string
}

export function stagedLabel(number: number): string {
  return `staged-${number}`
}

/**
 * AWS gives a label to one version only: a promotion attaches it to the version of this number, a
 * discard to another.
 */
function claimLabel(number: number): string {
  return `claim-${number}`
}

/**
 * The note of a staged version: which one its value was made from. With the id of its own, so that no
 * other version has the same label, which AWS would move.
 */
export function ontoLabel(number: number, revision: string, onto: string): string {
  return `note-${number}-1-1-${Buffer.from(JSON.stringify({ onto, id: revision })).toString('base64url')}`
}

/** A part of a note: `note-<number>-<part>-<parts>-…`. */
export function isNote(label: string): boolean {
  return /^note-[1-9]\d{0,15}-\d-\d-[\w-]+$/.test(label)
}

/** Undefined if another function or tool staged it. */
export function ontoOf(labels: readonly string[]): string | undefined {
  const parts = labels
    .filter(isNote)
    .toSorted()
    .map((label) => label.split('-').slice(4).join('-'))
  const note = parsed(Buffer.from(parts.join(''), 'base64url').toString())
  const onto = isJsonObject(note) && Object.hasOwn(note, 'onto') ? note['onto'] : undefined
  return typeof onto === 'string' ? onto : undefined
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined // another tool's label
  }
}

/** The attempt of a version that was staged. */
export function attemptOf(labels: readonly string[]): number | undefined {
  return highest(labels, /^staged-([1-9]\d{0,15})$/)
}

/** The number that a version was staged with: its note stays where it gets a new one, or another took that. */
export function firstNumberOf(labels: readonly string[]): number | undefined {
  return highest(labels, /^note-([1-9]\d{0,15})-/) ?? attemptOf(labels)
}

/** The claim of a version. */
export function claimOf(labels: readonly string[]): string {
  return claimLabel(firstNumberOf(labels) ?? 0)
}

/** Whether a rollback has the claim of a version, or had it. */
export function isDiscarded(labelsById: LabelsById, revision: string): boolean {
  const labels = labelsById[revision] ?? []
  const claimed = firstNumberOf(labels) === undefined ? undefined : holderOf(labelsById, claimOf(labels))
  return claimed !== undefined && claimed !== revision
}

/** The number of a version, by any writer. */
export function numberOf(labels: readonly string[]): number | undefined {
  return highest(labels, /^(?:v|put-|staged-)([1-9]\d{0,15})$/)
}

/** The highest number of any label, also of versions that were discarded; 0 if there is none. */
export function lastNumber(labelsById: LabelsById): number {
  return highest(Object.values(labelsById).flat(), numbered) ?? 0
}

const numbered = /^(?:v|put-|staged-|claim-|since-|note-)([1-9]\d{0,15})(?:-[\w-]+)?$/

function highest(labels: readonly string[], grammar: RegExp): number | undefined {
  const numbers = labels.map((label) => Number(grammar.exec(label)?.[1])).filter(Number.isSafeInteger)
  return numbers.length === 0 ? undefined : Math.max(...numbers)
}

/** The version that has a label. */
export function holderOf(labelsById: LabelsById, label: string): string | undefined {
  return Object.entries(labelsById).find(([, labels]) => labels.includes(label))?.[0]
}

/**
 * Whether the version has its value and lost AWSPENDING on the way: AWS may take that from a version
 * that gets its value. A version that was discarded has a claim elsewhere.
 */
export function wasInterrupted(labelsById: LabelsById, revision: string): boolean {
  const labels = labelsById[revision] ?? []
  const number = attemptOf(labels)
  if (number === undefined || number !== lastNumber(labelsById) || labels.includes(previous)) return false
  return holderOf(labelsById, claimOf(labels)) === undefined
}

/** AWS allows so many labels for a secret. */
const mostLabels = 20
/** The number of a version, its note, and the claim. */
const labelsOfVersion = 3

/** How many labels must go before so many are added. */
export function excessOf(labelsById: LabelsById, added: number = labelsOfVersion): number {
  return new Set([...Object.values(labelsById).flat(), current, previous, pending]).size + added - mostLabels
}

/**
 * Numbers of old versions to remove, the lowest first, so that a new one has room. The last one
 * stays, or it could be used again; so do labels of other tools.
 */
export function labelsToDrop(labelsById: LabelsById, added: number = labelsOfVersion): readonly Attachment[] {
  const last = lastNumber(labelsById)
  const claimInUse = claimOf(labelsById[holderOf(labelsById, pending) ?? ''] ?? [])
  return Object.entries(labelsById)
    .flatMap(([revision, labels]) => {
      const isInUse = [current, previous, pending].some((label) => labels.includes(label))
      const isOver = (label: string): boolean => label.startsWith('claim-') || (isNote(label) && !labels.includes(pending))
      const old = isInUse ? labels.filter(isOver) : labels
      return old.map((label) => ({ revision, label, number: isNote(label) ? 0 : (highest([label], numbered) ?? last) }))
    })
    .filter(({ number, label }) => number < last && label !== claimInUse)
    .toSorted((one, other) => one.number - other.number)
    .slice(0, Math.max(0, excessOf(labelsById, added)))
}
