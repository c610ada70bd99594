import { type NewSecret, SecretsError } from '@finchat/secrets-core'
import { matchesReceipt } from '@finchat/secrets-core/provider'
import { type Attachment, type History, type LabelledVersion } from '../model/history.ts'
import { current, isSince, madeNumberOf, marksUnproven, numberOf, pending, previous, claimNumberOf } from '../model/labels.ts'
import { limits } from '../model/limits.ts'
import { isNote } from '../model/note.ts'

/** The decisions of a write, made before anything is written. */
export interface WritePlan {
  readonly number: number
  /** The number for a current version that another tool wrote, given before the write. */
  readonly currentBecomes: number | undefined
  /**
   * Whether it may complete a version that was put. If that has other content, `number + 1` is
   * free.
   */
  readonly resumes: boolean
}

/** Throws `VERSION_CONFLICT` if the writer's conditions do not hold. */
export function planWrite(history: History, { version, ifCurrent }: Pick<NewSecret, 'version' | 'ifCurrent'>): WritePlan {
  const isUnnumbered = history.current !== undefined && history.current.version === undefined
  const next = history.last + (isUnnumbered ? 2 : 1)
  if (ifCurrent !== undefined) refuseUnlessCurrent(history, ifCurrent, next)
  const currentBecomes = isUnnumbered ? history.last + 1 : undefined
  const unfinished = history.unfinished?.version
  if (unfinished !== undefined && (version === undefined || version === unfinished))
    return { number: unfinished, currentBecomes, resumes: true }
  if (version !== undefined && version < next) {
    throw conflict(`version ${version} is not above ${next - 1}, the highest that was ever used; the next is ${next}`)
  }
  if (next > Number.MAX_SAFE_INTEGER) throw conflict('every version number is used up')
  return { number: version ?? next, currentBecomes, resumes: false }
}

function refuseUnlessCurrent(history: History, ifCurrent: NonNullable<NewSecret['ifCurrent']> | null, next: number): void {
  const { current: now } = history
  if (ifCurrent === null && now !== undefined) throw conflict(`the secret exists already; the next version is ${next}`)
  if (ifCurrent !== null && (now === undefined || !matchesReceipt(ifCurrent, now))) {
    throw conflict(
      `the current version is ${now === undefined ? 'gone' : `now ${now.version ?? 'one without a number'}`}; the next is ${next}`,
    )
  }
}

/**
 * Labels to remove to make room: our oldest first. The last number stays, or it could be used
 * again.
 */
export function labelsToDrop(history: History, added: readonly string[]): readonly Attachment[] {
  const attached = history.versions.flatMap(({ labels }) => labels)
  const excess = new Set([...attached, ...added, current, ...(history.holder ? [previous] : [])]).size - limits.stagingLabels
  if (excess <= 0) return []
  const droppable = ourLabels(history)
  if (droppable.length >= excess) return droppable.slice(0, excess)
  throw new SecretsError('CONFIGURATION', `the secret has ${limits.stagingLabels} staging labels, all that AWS allows`, {
    remedy: 'remove labels of other tools from its versions',
  })
}

function ourLabels({ versions, last }: History): Attachment[] {
  const inUse = [current, previous, pending]
  const old = versions.filter(({ labels, version }) => version !== last && !labels.some((label) => inUse.includes(label)))
  const numbers = old.toSorted((one, other) => (one.version ?? 0) - (other.version ?? 0)).flatMap(numberLabelsOf)
  return [...numbers, ...claimsOfOthers(versions, last)]
}

/** Claims of discards, oldest first. The last one stays: it may have to refuse a late promotion. */
function claimsOfOthers(versions: History['versions'], last: number): Attachment[] {
  const claims = versions.flatMap(({ revision, labels, version }) =>
    labels.flatMap((label) => {
      const number = claimNumberOf([label]) ?? last
      return number === last || number === version ? [] : [{ label, revision, number }]
    }),
  )
  return claims.toSorted((one, other) => one.number - other.number).map(({ label, revision }) => ({ label, revision }))
}

/**
 * A note and `staged-<n>` first: alone, it would tell that the version was discarded. Then `v<n>`, which
 * alone would prove that it was current. `put-<n>`, the claim and `since-<n>` last.
 */
function numberLabelsOf({ revision, labels }: LabelledVersion): Attachment[] {
  const isLast = (label: string): boolean => marksUnproven(label) || isSince(label)
  const ours = labels.filter((label) => numberOf([label]) !== undefined || isLast(label) || isNote(label))
  const rank = (label: string): number => (isLast(label) ? 2 : madeNumberOf([label]) ? 1 : 0)
  return ours.toSorted((one, other) => rank(one) - rank(other)).map((label) => ({ label, revision }))
}

/**
 * `v<n>` of versions that were overtaken before they were current. Their other labels disprove a
 * delayed writer's number.
 */
export function overtakenLabels({ neverCurrent }: History, number: number): readonly Attachment[] {
  const overtaken = neverCurrent.filter(({ version }) => version !== undefined && version < number)
  return overtaken.flatMap(numberLabelsOf).filter(({ label }) => madeNumberOf([label]) !== undefined)
}

export function conflict(problem: string, remedy = 'read the current version and decide again'): SecretsError {
  return new SecretsError('VERSION_CONFLICT', problem, { remedy })
}
