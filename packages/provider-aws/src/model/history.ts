import {
  claimLabel,
  claimNumberOf,
  current,
  isInUse,
  isSince,
  isUnreleased,
  madeNumberOf,
  numberOf,
  pending,
  putNumberOf,
  stagedLabel,
  unreleased,
  versionIdOf,
  wasNeverCurrent,
  wasStaged,
} from './labels.ts'
import { isNote } from './note.ts'

export interface LabelledVersion {
  /** AWS's VersionId. */
  readonly revision: string
  readonly labels: readonly string[]
  readonly version: number | undefined
}

/** The versions of one secret, derived from its labels. */
export interface History {
  readonly arn: string
  readonly versions: readonly LabelledVersion[]
  /** The current version that reads show. */
  readonly current: LabelledVersion | undefined
  /** The version with AWSCURRENT, which may be a placeholder. */
  readonly holder: LabelledVersion | undefined
  readonly pending: LabelledVersion | undefined
  /** The highest number ever used; 0 if none. */
  readonly last: number
  /** The highest version, if its writer put it and did not make it current yet. */
  readonly unfinished: LabelledVersion | undefined
  /** Versions that were put or partly promoted, and never current. */
  readonly neverCurrent: readonly LabelledVersion[]
}

export function historyOf(arn: string, labelsById: Readonly<Record<string, readonly string[]>>): History {
  const versions = Object.entries(labelsById).map(([revision, labels]) => ({ revision, labels, version: numberOf(labels) }))
  const holder = versions.find(({ labels }) => labels.includes(current))
  const released = holder !== undefined && !isUnreleased(holder.labels) ? holder : undefined
  const highest = highestInUse(versions)
  const neverCurrent = versions.filter(({ labels }) => wasNeverCurrent(labels, highest))
  const last = Math.max(0, ...versions.map(({ version }) => version ?? 0))
  return {
    arn,
    versions,
    current: released,
    holder,
    pending: neverCurrent.find(({ labels }) => labels.includes(pending)),
    last,
    unfinished: neverCurrent.find((each) => each.version === last && canBeCompleted(each, arn, released)),
    neverCurrent: neverCurrent.filter(({ labels }) => madeNumberOf(labels) !== undefined || putNumberOf(labels) !== undefined),
  }
}

function highestInUse(versions: readonly LabelledVersion[]): number | undefined {
  const numbers = versions.flatMap(({ labels, version }) =>
    version !== undefined && isInUse(labels) && !isUnreleased(labels) ? [version] : [],
  )
  return numbers.length === 0 ? undefined : Math.max(...numbers)
}

/** A current version without a number gets one first, and numbers only grow. */
function canBeCompleted({ revision, labels, version }: LabelledVersion, arn: string, now: LabelledVersion | undefined): boolean {
  if (version === undefined || wasStaged(labels) || revision !== versionIdOf(arn, version)) return false
  return now === undefined ? putNumberOf(labels) !== undefined : now.version !== undefined && now.version < version
}

export interface Attachment {
  readonly label: string
  readonly revision: string
}

/** Labels without meaning that their writers did not remove, in the order of removal. */
export function leftoversOf({ versions, current: now, last }: History): readonly Attachment[] {
  return versions.flatMap(({ revision, labels, version }) => {
    const isOver = (claim: number | undefined): boolean => claim !== undefined && claim !== version && claim <= (now?.version ?? 0)
    const over = labels.filter((label) => isOver(claimNumberOf([label])))
    const others = isInUse(labels) ? unprovenLabelsOf(labels, version) : labels.filter((label) => label === unreleased)
    // The last one may just be staged.
    const notes = isInUse(labels) || (version !== last && !labels.includes(pending)) ? labels.filter(isNote) : []
    return [...over, ...others, ...notes].map((label) => ({ label, revision }))
  })
}

/**
 * What to remove from a version that became current. AWSPENDING goes before the claim, or a late
 * discard would take the version for its own. Times stay: only who moved AWSCURRENT knows which
 * one is right.
 */
function unprovenLabelsOf(labels: readonly string[], version: number | undefined): readonly string[] {
  const claim = version === undefined ? undefined : claimLabel(version)
  const isStaged = version !== undefined && labels.some(isSince)
  const puts = labels.filter((label) => putNumberOf([label]) !== undefined || (isStaged && label === stagedLabel(version)))
  if (claim === undefined || !labels.includes(claim)) return puts
  return [...puts, ...labels.filter((label) => label === pending), claim]
}

/** The version with this label. */
export function holderOf({ versions }: History, label: string): LabelledVersion | undefined {
  return versions.find(({ labels }) => labels.includes(label))
}
