import { type NewStagedSecret, type SecretProvider, SecretsError, type StagedSecret, type StoredSecret } from '@finchat/secrets-core'
import { hasCode } from '@finchat/secrets-core/provider'
import { unexpectedAnswer } from './aws-error.ts'
import type { ValueAnswer } from './client.ts'
import { attemptOf, claimOf, current, holderOf, isNote, numberOf, ontoLabel, ontoOf, pending, previous } from './labels.ts'
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
  const [holder, labels] = [holderOf(labelsById, current), labelsById[revision] ?? []]
  if (holder !== revision) {
    const onto = ontoOf(labels) ?? first
    if (onto === undefined || holderOf(labelsById, pending) !== revision || holder !== onto) throw movedMeanwhile()
    const note = { label: ontoLabel(attemptOf(labels) ?? 0, revision, onto), revision }
    if (ontoOf(labels) === undefined) await versions.attach(note, labelsById, signal)
    await versions.attach({ label: claimOf(labels), revision }, labelsById, signal) // refused once it is being discarded
    await versions.move({ label: current, revision }, onto, signal).catch(async (error: unknown) => {
      // An earlier attempt without an answer, or the same step elsewhere, may have moved it.
      if (!hasCode(error, 'VERSION_CONFLICT') || !(await isCurrent(versions, revision, signal))) throw error
    })
  }
  await tidy(versions, revision, labels, signal)
}

/**
 * Takes AWSPENDING from the current version. It would stay there, and later look like a rotation
 * that was broken off. Then the note, and the claim: without it, a late discard would take the version
 * for its own.
 */
export async function tidy(versions: SecretVersions, revision: string, labels: readonly string[], signal: AbortSignal): Promise<void> {
  const drops = [pending, ...labels.filter(isNote), claimOf(labels)].map((label) => ({ label, revision }))
  for (const drop of drops) await Promise.allSettled([versions.remove(drop, signal)]) // the rotation is done
}

async function isCurrent(versions: SecretVersions, revision: string, signal: AbortSignal): Promise<boolean> {
  return holderOf((await versions.describe(signal)).labelsById, current) === revision
}

async function discard(versions: SecretVersions, revision: string, signal: AbortSignal): Promise<void> {
  if (!(await barPromotion(versions, revision, signal))) throw promotionBegan()
  await versions.remove({ label: pending, revision }, signal)
}

/**
 * Takes the claim of a version, so that no other step promotes it. False: a promotion has it, which may
 * still succeed, or has ended.
 */
export async function barPromotion(versions: SecretVersions, revision: string, signal: AbortSignal): Promise<boolean> {
  const { labelsById } = await versions.describe(signal)
  const [holder, label] = [holderOf(labelsById, current) ?? '', claimOf(labelsById[revision] ?? [])]
  if (holder === revision) return false
  try {
    await versions.attach({ label, revision: holder }, labelsById, signal)
    return !(await isCurrent(versions, revision, signal)) // a promotion that ended has given up the claim
  } catch (error) {
    unlessConflict(error)
  }
  const now = (await versions.describe(signal)).labelsById
  if (holderOf(now, current) === revision) return false
  if (holderOf(now, label) !== revision) return true // a discard has it, perhaps of long ago
  if (holderOf(now, current) === ontoOf(now[revision] ?? [])) return false
  await versions.move({ label, revision: holder }, revision, signal).catch(unlessConflict) // overtaken: it cannot succeed
  return true
}

function promotionBegan(): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'the promotion of the version has begun', { remedy: 'repeat the step, which completes it' })
}
