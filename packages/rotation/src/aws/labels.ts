// AWS versions have ids and labels, and no numbers. The number of a staged version is its label
// `staged-<n>`, as the AWS provider writes it. So numbers and fences grow across both ways to
// rotate.

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

/** On another version than the one of this number, which was discarded. */
export function claimLabel(number: number): string {
  return `claim-${number}`
}

/** The attempt of a version that was staged. */
export function attemptOf(labels: readonly string[]): number | undefined {
  return highest(labels, /^staged-([1-9]\d{0,15})$/)
}

/** The number of a version, by any writer. */
export function numberOf(labels: readonly string[]): number | undefined {
  return highest(labels, /^(?:v|put-|staged-)([1-9]\d{0,15})$/)
}

/** The highest number of any label, also of versions that were discarded; 0 if there is none. */
export function lastNumber(labelsById: LabelsById): number {
  return highest(Object.values(labelsById).flat(), numbered) ?? 0
}

const numbered = /^(?:v|put-|staged-|claim-|since-)([1-9]\d{0,15})(?:-\d{1,15})?$/

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
  return holderOf(labelsById, claimLabel(number)) === undefined
}

/** AWS allows so many labels for a secret. */
const mostLabels = 20
/** The number of a version, and the claim if it is discarded. */
const labelsOfVersion = 2

/**
 * Numbers of old versions to remove, the lowest first, so that a new one has room. The last one
 * stays, or it could be used again; so do labels of other tools.
 */
export function labelsToDrop(labelsById: LabelsById): readonly Attachment[] {
  const last = lastNumber(labelsById)
  const attached = new Set([...Object.values(labelsById).flat(), current, previous, pending])
  const excess = attached.size + labelsOfVersion - mostLabels
  return Object.entries(labelsById)
    .flatMap(([revision, labels]) => {
      const isInUse = [current, previous, pending].some((label) => labels.includes(label))
      const old = isInUse ? labels.filter((label) => label.startsWith('claim-')) : labels
      return old.map((label) => ({ revision, label, number: highest([label], numbered) ?? last }))
    })
    .filter(({ number }) => number < last)
    .toSorted((one, other) => one.number - other.number)
    .slice(0, Math.max(0, excess))
}
