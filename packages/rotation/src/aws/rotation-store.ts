import { type NewStagedSecret, type SecretProvider, SecretsError, type StagedSecret, type StoredSecret } from '@finchat/secrets-core'
import { hasCode } from '@finchat/secrets-core/provider'
import { unexpectedAnswer } from './aws-error.ts'
import type { ValueAnswer } from './client.ts'
import { attemptOf, claimOf, current, holderOf, isNote, type LabelsById, numberOf, ontoLabel, ontoOf, pending, previous } from './labels.ts'
import { writtenMeanwhile } from './rotation-refusals.ts'
import { isListOfTexts, movedMeanwhile, type SecretVersions, unlessConflict } from './secret-versions.ts'

/** One secret as a provider, whose staged version is that of one rotation by AWS. */
export interface RotationStore {
  readonly provider: SecretProvider
  /** When a version that was read was created, by AWS's clock. */
  readonly createdAt: ReadonlyMap<string, number>
}

export function rotationStore(versions: SecretVersions, token: string, field: string | undefined): RotationStore {
  const createdAt = new Map<string, number>()
  /** The current version that this step began with. */
  let first: string | undefined
  const read = async (label: string, signal: AbortSignal): Promise<StagedSecret | undefined> => {
    const answer = await versions.read(label, signal)
    const version = answer && versionOf(answer)
    if (version?.createdAt !== undefined) createdAt.set(version.revision, version.createdAt)
    if (label === current) first ??= version?.revision
    return version && (label === pending ? stagedIn(version) : storedIn(version))
  }
  return {
    createdAt,
    provider: {
      specificationVersion: 'v1',
      name: 'aws',
      locate: (name) => ({ path: name, field }),
      get: (_path, { signal }) => read(current, signal),
      getVersion: async (_path, version, { signal }) => {
        if (version === 'previous') return read(previous, signal)
        throw new SecretsError('UNSUPPORTED', 'a rotation by AWS reads no version by its number')
      },
      staging: {
        put: async (_path, secret, { signal }) => {
          await put(versions, secret, signal)
          return { revision: token }
        },
        get: (_path, { signal }) => read(pending, signal),
        promote: async (_path, receipt, { signal }) => {
          await promote(versions, token, first, signal)
          return receipt
        },
        discard: (_path, _receipt, { signal }) => discard(versions, token, signal),
      },
    },
  }
}

interface Version {
  readonly revision: string
  readonly value: string | Uint8Array
  readonly labels: readonly string[]
  readonly createdAt: number | undefined
}

/** Throws unless the whole answer is understood. */
function versionOf({ VersionId: revision, VersionStages: labels, SecretString, SecretBinary, CreatedDate }: ValueAnswer): Version {
  const value = SecretString ?? (SecretBinary instanceof Uint8Array ? Uint8Array.from(SecretBinary) : undefined)
  if (typeof revision !== 'string' || value === undefined || !isListOfTexts(labels)) throw unexpectedAnswer('getSecretValue')
  return { revision, value, labels, createdAt: CreatedDate instanceof Date ? CreatedDate.getTime() : undefined }
}

function storedIn({ revision, value, labels, createdAt }: Version): StoredSecret {
  return { value, revision, version: numberOf(labels), currentNotBefore: createdAt }
}

/** AWSPENDING may stay on the current version. */
function stagedIn({ revision, value, labels, createdAt }: Version): StagedSecret | undefined {
  if (labels.includes(current)) return undefined
  const onto = ontoOf(labels)
  const note = onto === undefined ? undefined : { onto }
  return { value, revision, version: numberOf(labels), attempt: attemptOf(labels), stagedAt: createdAt, note }
}

async function put(versions: SecretVersions, { value, note, ifCurrent }: NewStagedSecret, signal: AbortSignal): Promise<void> {
  const { labelsById } = await versions.describe(signal)
  const onto = note?.['onto']
  const isCurrentStill = onto !== undefined && onto === holderOf(labelsById, current)
  if (!isCurrentStill || (ifCurrent && ifCurrent.revision !== onto)) throw writtenMeanwhile()
  await versions.put(value as string, onto, labelsById, signal) // `next` of a target returns texts
  await versions.keepPending(signal)
}

/**
 * Moves AWSCURRENT from exactly the version that the staged value was made from, or else from `first`.
 * A note says which, before the claim bars a discard.
 */
async function promote(versions: SecretVersions, revision: string, first: string | undefined, signal: AbortSignal): Promise<void> {
  const { labelsById } = await versions.describe(signal)
  if (holderOf(labelsById, current) !== revision) {
    const labels = labelsById[revision] ?? []
    const onto = ontoOf(labels) ?? first
    if (onto === undefined || !isWaiting(labelsById, revision, onto)) throw movedMeanwhile()
    await claimForPromotion(versions, revision, onto, labelsById, signal)
    await versions.move({ label: current, revision }, onto, signal).catch(async (error: unknown) => {
      // An earlier attempt without an answer, or the same step elsewhere, may have moved it.
      if (!hasCode(error, 'VERSION_CONFLICT') || !(await isCurrent(versions, revision, signal))) throw error
    })
    await assertClaimed(versions, revision, onto, signal)
  }
  await tidy(versions, revision, signal)
}

function isWaiting(labelsById: LabelsById, revision: string, onto: string): boolean {
  return holderOf(labelsById, pending) === revision && holderOf(labelsById, current) === onto
}

/** Looks again behind the claim: that of a discard may have been removed to make room, and AWSPENDING before it. */
async function claimForPromotion(
  versions: SecretVersions,
  revision: string,
  onto: string,
  labelsById: LabelsById,
  signal: AbortSignal,
): Promise<void> {
  const labels = labelsById[revision] ?? []
  const note = { label: ontoLabel(attemptOf(labels) ?? 0, revision, onto), revision }
  if (ontoOf(labels) === undefined) await versions.attach(note, labelsById, signal)
  await versions.attach({ label: claimOf([...labels, note.label]), revision }, labelsById, signal) // refused once it is being discarded
  const { labelsById: now } = await versions.describe(signal)
  if (holderOf(now, current) !== revision && !isWaiting(now, revision, onto)) throw movedMeanwhile()
}

/** Who has the claim decides: a rollback may have taken it while the call was under way, which then goes back. */
async function assertClaimed(versions: SecretVersions, revision: string, onto: string, signal: AbortSignal): Promise<void> {
  const { labelsById } = await versions.describe(signal)
  const labels = labelsById[revision] ?? []
  const claimed = holderOf(labelsById, claimOf(labels))
  const isDone = !labels.some(isNote) // by another run of the step
  if (claimed === undefined || claimed === revision || isDone) return
  await goBack(versions, revision, onto, signal)
  throw movedMeanwhile()
}

async function goBack(versions: SecretVersions, revision: string, onto: string, signal: AbortSignal): Promise<void> {
  await versions.move({ label: current, revision: onto }, revision, signal).catch(unlessConflict)
}

/**
 * Takes AWSPENDING from the current version. It would stay there, and later look like a rotation
 * that was broken off. Then the note, and the claim: without it, a late discard would take the version
 * for its own.
 */
export async function tidy(versions: SecretVersions, revision: string, signal: AbortSignal): Promise<void> {
  const [described] = await Promise.allSettled([versions.describe(signal)])
  const labels = (described.status === 'fulfilled' ? described.value.labelsById[revision] : undefined) ?? []
  const claim = claimOf(labels)
  const drops = [pending, ...labels.filter(isNote), claim].filter((label) => labels.includes(label))
  for (const label of drops) await Promise.allSettled([versions.remove({ label, revision }, signal)]) // the rotation is done
}

async function isCurrent(versions: SecretVersions, revision: string, signal: AbortSignal): Promise<boolean> {
  return holderOf((await versions.describe(signal)).labelsById, current) === revision
}

async function discard(versions: SecretVersions, revision: string, signal: AbortSignal): Promise<void> {
  if (!(await barPromotion(versions, revision, signal))) throw promotionEnded()
  await versions.remove({ label: pending, revision }, signal)
}

/**
 * Takes the claim of a version, also from a promotion under way, which then goes back. False: it was
 * promoted.
 */
export async function barPromotion(versions: SecretVersions, revision: string, signal: AbortSignal): Promise<boolean> {
  const { labelsById } = await versions.describe(signal)
  const [holder, labels] = [holderOf(labelsById, current) ?? '', labelsById[revision] ?? []]
  const [label, from] = [claimOf(labels), holderOf(labelsById, claimOf(labels))]
  if (holder === revision) return false
  if (from !== undefined && from !== revision) return true
  try {
    if (from === undefined) await versions.attach({ label, revision: holder }, labelsById, signal)
    else await versions.move({ label, revision: holder }, from, signal)
  } catch (error) {
    if (isOutOfRoom(error)) return true // no promotion has room for the label either
    unlessConflict(error)
    return barPromotion(versions, revision, signal)
  }
  if (!(await isCurrent(versions, revision, signal))) return true
  if (from === revision) await goBack(versions, revision, ontoOf(labels) ?? holder, signal)
  else await versions.remove({ label, revision: holder }, signal) // that promotion had ended
  return from === revision
}

function isOutOfRoom(error: unknown): boolean {
  return SecretsError.isInstance(error) && (error.storeStatus ?? '').endsWith('LimitExceededException')
}

function promotionEnded(): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'the version is current already')
}
