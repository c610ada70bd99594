import type { WriteReceipt } from '@finchat/secrets-core'
import {
  claimLabel,
  claimNumberOf,
  current,
  isInUse,
  isUnreleased,
  madeNumberOf,
  numberOf,
  pending,
  putNumberOf,
  stagedNumberOf,
  unreleased,
  versionIdOf,
  wasNeverCurrent,
} from './labels.ts'

/** One version that has labels. */
export interface LabelledVersion {
  /** AWS's VersionId. */
  readonly revision: string
  readonly labels: readonly string[]
  readonly version: number | undefined
}

/** The versions of one secret, as its labels tell it. */
export interface History {
  readonly arn: string
  readonly versions: readonly LabelledVersion[]
  /** The current version, as our reads have it. */
  readonly current: LabelledVersion | undefined
  /** Where AWS has its label AWSCURRENT. */
  readonly holder: LabelledVersion | undefined
  readonly pending: LabelledVersion | undefined
  /** The highest number that was ever used; 0 for none. */
  readonly last: number
  /** The version of the highest number, if its writer put it and did not make it current: it crashed in between, or is about to. */
  readonly unfinished: LabelledVersion | undefined
  /** Versions that were put or promoted half-way and never were current. */
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

/** Not beside a current version without a number: that one gets a number first, and numbers only grow. */
function canBeCompleted({ revision, labels, version }: LabelledVersion, arn: string, now: LabelledVersion | undefined): boolean {
  if (version === undefined || stagedNumberOf(labels) !== undefined || revision !== versionIdOf(arn, version)) return false
  return now === undefined ? putNumberOf(labels) !== undefined : now.version !== undefined && now.version < version
}

/** One label of one version. */
export interface Attachment {
  readonly label: string
  readonly revision: string
}

/**
 * Labels that their writers did not remove though they say nothing any more, in the order in which
 * they are to go.
 */
export function leftoversOf({ versions, current: now }: History): readonly Attachment[] {
  return versions.flatMap(({ revision, labels, version }) => {
    const isOver = (claim: number | undefined): boolean => claim !== undefined && claim !== version && claim <= (now?.version ?? 0)
    const over = labels.filter((label) => isOver(claimNumberOf([label])))
    const others = isInUse(labels) ? proofsOf(labels, version) : labels.filter((label) => label === unreleased)
    return [...over, ...others].map((label) => ({ label, revision }))
  })
}

/**
 * Of a version that became current. AWSPENDING goes before the claim, without which a late discard
 * would take it for its own.
 */
function proofsOf(labels: readonly string[], version: number | undefined): readonly string[] {
  const claim = version === undefined ? undefined : claimLabel(version)
  const puts = labels.filter((label) => putNumberOf([label]) !== undefined)
  if (claim === undefined || !labels.includes(claim)) return puts
  return [...puts, ...labels.filter((label) => label === pending), claim]
}

/** The version that has this label. */
export function holderOf({ versions }: History, label: string): LabelledVersion | undefined {
  return versions.find(({ labels }) => labels.includes(label))
}

/** Whether this is the version that a receipt speaks of, by all that it says; one that says nothing speaks of none. */
export function isNamedBy(receipt: WriteReceipt, version: { readonly revision: string; readonly version: number | undefined }): boolean {
  if (receipt.version === undefined && receipt.revision === undefined) return false
  return (receipt.version ?? version.version) === version.version && (receipt.revision ?? version.revision) === version.revision
}
