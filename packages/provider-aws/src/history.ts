import type { WriteReceipt } from '@finchat/secrets-core'
import { current, isUnreleased, madeNumberOf, numberOf, pending, previous, stagedNumberOf, versionIdOf } from './labels.ts'

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
}

export function historyOf(arn: string, labelsById: Readonly<Record<string, readonly string[]>>): History {
  const versions = Object.entries(labelsById).map(([revision, labels]) => ({ revision, labels, version: numberOf(labels) }))
  const holder = versions.find(({ labels }) => labels.includes(current))
  const released = holder !== undefined && !isUnreleased(holder.labels) ? holder : undefined
  const last = Math.max(0, ...versions.map(({ version }) => version ?? 0))
  return {
    arn,
    versions,
    current: released,
    holder,
    pending: versions.find((each) => each.labels.includes(pending) && each !== released && !isBehind(each, released)),
    last,
    unfinished: versions.find((each) => each.version === last && isUnfinished(each, arn, released)),
  }
}

/** Versions that were put and never made current, of which this number is ahead. */
export function overtakenBy(number: number, { arn, versions, current: now }: History): readonly LabelledVersion[] {
  return versions.filter((each) => isUnfinished(each, arn, now) && each.version !== undefined && each.version < number)
}

/** It was promoted, and others after it; AWSPENDING was left on it. */
function isBehind({ labels }: LabelledVersion, now: LabelledVersion | undefined): boolean {
  const version = madeNumberOf(labels)
  return version !== undefined && now?.version !== undefined && version < now.version
}

/** Only beside a current version that is numbered: else it cannot be told from an old one. */
function isUnfinished({ revision, labels }: LabelledVersion, arn: string, now: LabelledVersion | undefined): boolean {
  const version = madeNumberOf(labels)
  if (version === undefined || stagedNumberOf(labels) !== undefined || now?.version === undefined || now.version >= version) return false
  return revision === versionIdOf(arn, version) && !labels.includes(previous)
}

/** Whether this is the version that a receipt speaks of, by all that it says; one that says nothing speaks of none. */
export function isNamedBy(receipt: WriteReceipt, version: { readonly revision: string; readonly version: number | undefined }): boolean {
  if (receipt.version === undefined && receipt.revision === undefined) return false
  return (receipt.version ?? version.version) === version.version && (receipt.revision ?? version.revision) === version.revision
}
