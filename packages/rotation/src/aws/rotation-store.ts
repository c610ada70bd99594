import { type NewStagedSecret, type SecretProvider, SecretsError, type StagedSecret, type StoredSecret } from '@finchat/secrets-core'
import { hasCode } from '@finchat/secrets-core/provider'
import { unexpectedAnswer } from './aws-error.ts'
import type { ValueAnswer } from './client.ts'
import { attemptOf, claimLabel, current, holderOf, numberOf, pending, previous } from './labels.ts'
import { isListOfTexts, movedMeanwhile, type SecretVersions, unlessConflict } from './secret-versions.ts'

/** One secret as a provider, whose staged version is that of one rotation by AWS. */
export interface RotationStore {
  readonly provider: SecretProvider
  /** When a version that was read was created, by AWS's clock. */
  readonly createdAt: ReadonlyMap<string, number>
}

export function rotationStore(versions: SecretVersions, token: string, field: string | undefined): RotationStore {
  const createdAt = new Map<string, number>()
  const read = async (label: string, signal: AbortSignal): Promise<StagedSecret | undefined> => {
    const answer = await versions.read(label, signal)
    const version = answer && versionOf(answer)
    if (version?.createdAt !== undefined) createdAt.set(version.revision, version.createdAt)
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
          await promote(versions, token, signal)
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
  return { value, revision, version: numberOf(labels), attempt: attemptOf(labels), stagedAt: createdAt }
}

async function put(versions: SecretVersions, { value, ifCurrent }: NewStagedSecret, signal: AbortSignal): Promise<void> {
  const { labelsById } = await versions.describe(signal)
  if (ifCurrent && ifCurrent.revision !== holderOf(labelsById, current)) throw writtenMeanwhile()
  await versions.put(value as string, labelsById, signal) // `next` of a target returns texts
  await versions.keepPending(signal)
}

async function promote(versions: SecretVersions, revision: string, signal: AbortSignal): Promise<void> {
  const { labelsById } = await versions.describe(signal)
  const holder = holderOf(labelsById, current)
  if (holder !== revision) {
    if (holderOf(labelsById, pending) !== revision) throw movedMeanwhile()
    await versions.move({ label: current, revision }, holder, signal).catch(async (error: unknown) => {
      // An earlier attempt without an answer, or the same step elsewhere, may have moved it.
      if (!hasCode(error, 'VERSION_CONFLICT') || !(await isCurrent(versions, revision, signal))) throw error
    })
  }
  await tidy(versions, revision, signal)
}

/**
 * Takes AWSPENDING from the current version. It would stay there, and later look like a rotation
 * that was broken off.
 */
export async function tidy(versions: SecretVersions, revision: string, signal: AbortSignal): Promise<void> {
  await Promise.allSettled([versions.remove({ label: pending, revision }, signal)]) // the rotation is done
}

async function isCurrent(versions: SecretVersions, revision: string, signal: AbortSignal): Promise<boolean> {
  return holderOf((await versions.describe(signal)).labelsById, current) === revision
}

/** The claim tells that it was discarded. It goes first, so that no other step uses the version. */
async function discard(versions: SecretVersions, revision: string, signal: AbortSignal): Promise<void> {
  const { labelsById } = await versions.describe(signal)
  const holder = holderOf(labelsById, current) ?? ''
  if (holder === revision) throw new SecretsError('VERSION_CONFLICT', 'the version is current already')
  const label = claimLabel(attemptOf(labelsById[revision] ?? []) ?? 0)
  await versions.move({ label, revision: holder }, undefined, signal).catch(unlessConflict) // it may be on a former one
  await versions.remove({ label: pending, revision }, signal)
}

function writtenMeanwhile(): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'the secret was written meanwhile', {
    remedy: 'the next attempt begins from the current version',
  })
}
