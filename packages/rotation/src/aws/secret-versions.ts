import { SecretsError } from '@finchat/secrets-core'
import { hasCode } from '@finchat/secrets-core/provider'
import { awsError, unexpectedAnswer } from './aws-error.ts'
import type { ActionName, AwsRotationClient, DescribeAnswer, ValueAnswer } from './client.ts'
import {
  type Attachment,
  attemptOf,
  current,
  excessOf,
  firstNumberOf,
  holderOf,
  isDiscarded,
  type LabelsById,
  labelsToDrop,
  lastNumber,
  ontoLabel,
  pending,
  stagedLabel,
} from './labels.ts'
import { tooManyLabels } from './rotation-refusals.ts'
import type { AwsRotationEvent } from './rotation-event.ts'

/** What DescribeSecret tells. */
export interface Described {
  readonly isDeleted: boolean
  readonly isRotated: boolean
  readonly labelsById: LabelsById
}

/** The versions of one secret, as one rotation reads and changes them. */
export class SecretVersions {
  readonly #client: AwsRotationClient
  readonly #event: AwsRotationEvent

  constructor(client: AwsRotationClient, event: AwsRotationEvent) {
    this.#client = client
    this.#event = event
  }

  async describe(signal: AbortSignal): Promise<Described> {
    const answer: DescribeAnswer = await this.#call('describeSecret', {}, signal)
    const labelsById = answer.VersionIdsToStages ?? {}
    if (!Object.values(labelsById).every(isListOfTexts)) throw unexpectedAnswer('describeSecret')
    return { isDeleted: answer.DeletedDate !== undefined, isRotated: answer.RotationEnabled === true, labelsById }
  }

  /** Undefined if no version with a value has the label. */
  async read(label: string, signal: AbortSignal): Promise<ValueAnswer | undefined> {
    try {
      return await this.#call('getSecretValue', { VersionStage: label }, signal)
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }

  /**
   * Gives the version of this rotation its value. The value goes without AWSPENDING, which AWS put on
   * the version before: a call that is late would take it from a later rotation.
   */
  async put(SecretString: string, onto: string, labelsById: LabelsById, signal: AbortSignal): Promise<void> {
    const { ClientRequestToken, RotationToken } = this.#event
    if (labelsToDrop(labelsById).length < excessOf(labelsById)) throw tooManyLabels(this.#event.SecretId)
    const number = await this.#freeNumber(labelsById, signal)
    const own = [stagedLabel(number), ontoLabel(number, ClientRequestToken, onto)]
    const input = { ClientRequestToken, RotationToken, VersionStages: own, SecretString }
    try {
      await this.#call('putSecretValue', input, signal)
    } catch (error) {
      if (!hasCode(error, 'VERSION_CONFLICT')) throw error // the same step ran twice: the first value stays
    }
  }

  /**
   * The attempt of the version of this rotation: the highest number of the secret. It gets a new one
   * if another rotation came between, or if another function put its value.
   */
  async attempt(signal: AbortSignal): Promise<number> {
    const revision = this.#event.ClientRequestToken
    for (let tries = 0; tries < mostTries; tries += 1) {
      const { labelsById } = await this.describe(signal)
      if (holderOf(labelsById, pending) !== revision) throw movedMeanwhile()
      const labels = labelsById[revision] ?? []
      const number = attemptOf(labels)
      // It is being discarded: what refuses it at the target stays above it.
      if (isDiscarded(labelsById, revision)) return this.#numberOfDiscarded(labelsById, signal)
      if (number !== undefined && number === lastNumber(labelsById)) return number
      const label = stagedLabel(await this.#freeNumber(labelsById, signal))
      await this.move({ label, revision }, undefined, signal).catch(unlessConflict) // another took the number
    }
    throw movedMeanwhile()
  }

  /** A step that was late may have given it AWSPENDING again, after another rotation. */
  async #numberOfDiscarded(labelsById: LabelsById, signal: AbortSignal): Promise<number> {
    const revision = this.#event.ClientRequestToken
    const number = firstNumberOf(labelsById[revision] ?? []) ?? 0
    const others = Object.entries(labelsById).flatMap(([id, labels]) => (id === revision ? [] : (attemptOf(labels) ?? 0)))
    if (Math.max(0, ...others) <= number) return number
    await this.remove({ label: pending, revision }, signal)
    throw movedMeanwhile()
  }

  /** AWS refuses if another version than `from` has the label. */
  async move({ label, revision }: Attachment, from: string | undefined, signal: AbortSignal): Promise<void> {
    const input = { VersionStage: label, MoveToVersionId: revision, RemoveFromVersionId: from }
    await this.#call('updateSecretVersionStage', input, signal)
  }

  /** A label that is attached to no other version. Others may have used up its room since. */
  async attach(attachment: Attachment, labelsById: LabelsById, signal: AbortSignal): Promise<void> {
    const added = holderOf(labelsById, attachment.label) === undefined ? 1 : 0
    for (const dropped of labelsToDrop(labelsById, added)) await this.remove(dropped, signal)
    await this.move(attachment, undefined, signal)
  }

  /** A label that is not there any more is fine. */
  async remove({ label, revision }: Attachment, signal: AbortSignal): Promise<void> {
    await this.#call('updateSecretVersionStage', { VersionStage: label, RemoveFromVersionId: revision }, signal).catch(unlessConflict)
  }

  /** Puts AWSPENDING back where AWS had it, unless another rotation has it. */
  async keepPending(signal: AbortSignal): Promise<void> {
    const revision = this.#event.ClientRequestToken
    const { labelsById } = await this.describe(signal)
    const holder = holderOf(labelsById, pending)
    if (isDiscarded(labelsById, revision)) throw movedMeanwhile()
    if (holder !== undefined && holder !== revision && holder !== holderOf(labelsById, current)) throw movedMeanwhile()
    if (holder !== revision) await this.move({ label: pending, revision }, holder, signal)
  }

  /** The number after all that were ever used, with room for its label. */
  async #freeNumber(labelsById: LabelsById, signal: AbortSignal): Promise<number> {
    for (const dropped of labelsToDrop(labelsById)) await this.remove(dropped, signal)
    return lastNumber(labelsById) + 1
  }

  #call<Name extends ActionName>(
    action: Name,
    input: Omit<Parameters<AwsRotationClient[Name]>[0], 'SecretId'>,
    abortSignal: AbortSignal,
  ): ReturnType<AwsRotationClient[Name]>
  async #call(action: ActionName, input: object, abortSignal: AbortSignal): Promise<object> {
    const send = this.#client[action] as (input: object, options: object) => Promise<object> // checked by the signature above
    try {
      const answer: unknown = await send.call(this.#client, { SecretId: this.#event.SecretId, ...input }, { abortSignal })
      if (typeof answer === 'object' && answer !== null) return answer
    } catch (error) {
      throw awsError(error, action)
    }
    throw unexpectedAnswer(action)
  }
}

const mostTries = 3

export function unlessConflict(error: unknown): void {
  if (!hasCode(error, 'VERSION_CONFLICT')) throw error
}

export function movedMeanwhile(): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'another rotation of the secret has begun meanwhile', { remedy: 'see what became of it' })
}

export function isListOfTexts(labels: unknown): labels is readonly string[] {
  return Array.isArray(labels) && labels.every((label) => typeof label === 'string')
}
